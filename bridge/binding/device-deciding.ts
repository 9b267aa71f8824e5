import type { DeviceApproval } from '../../protocol/api.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { devicesOf, findDevice, insertDevice } from '../directory/devices.ts';
import { parseKeyPair } from '../directory/person-keys.ts';
import { seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { type Access, assertUnchanged, readAccess } from './access.ts';
import { assertPending, currentRequest, requireApprover, requireParty } from './device-request-access.ts';
import { advance, type StoredDeviceRequest } from './device-request-store.ts';
import { noteDeviceSignIn } from './device-sign-ins.ts';
import { assertEndorsed } from './enrolment-checks.ts';
import type { Holder } from './holder.ts';
import { principalOf, requirePermission } from './permission.ts';
import type { BindingDeps, DeviceAdditions } from './services.ts';
import { augmentedTransformKey, openShare, sealTransformKey } from './transform-keys.ts';

/** An endorsed device approves or refuses; the device that asked may withdraw. */
export function createDeciding(deps: BindingDeps): Pick<DeviceAdditions, 'approve' | 'refuse'> {
  return {
    async approve(who, id, approval, context) {
      const stored = await requireParty(deps, who, id);
      await requireApprover(deps, who, stored);
      assertPending(deps, stored);
      assertCompared(who, stored);
      const access = await deps.database.read((query) => readAccess(query, who));
      const transformKey = await checkedTransformKey(deps, stored, approval, access);
      await deps.database.transaction((transaction) =>
        store(deps, transaction, { who, stored, approval, access, transformKey, context }),
      );
      return currentRequest(deps, id);
    },

    async refuse(who, id, context) {
      const stored = await requireParty(deps, who, id);
      const resource = { kind: 'device', id: stored.device_id, owner: stored.sub } as const;
      const decision = {
        action: 'refuse-device',
        principal: principalOf(who),
        resource,
        context: {},
      } as const;
      requirePermission(deps, decision);
      assertPending(deps, stored);
      await deps.database.transaction((transaction) => storeRefusal(deps, transaction, who, stored, context));
      return currentRequest(deps, id);
    },
  };
}

/** By code: only the device that challenged, and only after the reveal, has seen the six digits. */
function assertCompared(who: Holder, stored: StoredDeviceRequest): void {
  if (stored.device_id === who.deviceId) throw new CountersignError('device_not_endorsed');
  if (stored.method !== 'code') return;
  if (stored.approver_device !== who.deviceId || stored.device_nonce === null) {
    throw new CountersignError('device_request_state', 'The codes were not compared on this device.');
  }
}

/** Holds endorsement and transform key against the keys that were asked for; answers the latter augmented and sealed. */
async function checkedTransformKey(
  { engine, signer }: BindingDeps,
  stored: StoredDeviceRequest,
  approval: DeviceApproval,
  { keys, statement }: Access,
): Promise<Uint8Array> {
  const [pre, sig] = parseKeyPair(stored.keys);
  await assertEndorsed(approval.endorsement, statement, { pre, sig });
  const keyVersion = keys.key_version;
  const augmented = augmentedTransformKey(engine, {
    encoded: decodeBase64url(approval.transform_key),
    deviceKey: pre,
    personSig: statement.keys[1],
    share: await openShare(signer, { sub: stored.sub, keyVersion }, keys.share),
    vault: keys.vault,
  });
  return sealTransformKey(signer, { sub: stored.sub, deviceId: stored.device_id, keyVersion }, augmented);
}

interface Approved {
  readonly who: Holder;
  readonly stored: StoredDeviceRequest;
  readonly approval: DeviceApproval;
  readonly access: Access;
  readonly transformKey: Uint8Array;
  readonly context: RequestContext;
}

/** What was true when the approval was checked is looked at again. */
async function store(deps: BindingDeps, transaction: Transaction, approved: Approved): Promise<void> {
  const { who, stored, approval, access, transformKey, context } = approved;
  const now = seconds(deps.clock);
  const taken = await advance(transaction, stored.id, { step: 'any', now }, { status: 'approved' });
  if (!taken) throw new CountersignError('device_request_state');
  assertUnchanged(access, await readAccess(transaction, who));
  await assertBelowLimit(deps, transaction, who, stored);
  if ((await findDevice(transaction, stored.device_id)) !== undefined) {
    throw new CountersignError('conflict', 'This device key is in use.');
  }
  await insertDevice(transaction, {
    device_id: stored.device_id,
    sub: stored.sub,
    label: stored.label,
    keys: parseKeyPair(stored.keys),
    endorsement: approval.endorsement,
    key_version: access.keys.key_version,
    transform_key: transformKey,
    added: now,
  });
  await noteDeviceSignIn(transaction, stored.sub, JSON.parse(stored.sign_in));
  await deps.events.append(transaction, {
    type: 'device.added',
    actor: context.actor,
    subject: { sub: stored.sub, address: access.statement.address, device: stored.device_id },
    outcome: 'success',
    requestId: context.requestId,
    data: { label: stored.label, method: 'approval', approved_by: who.deviceId },
  });
}

/** Two approvals at once must not pass the limit together. */
async function assertBelowLimit(
  { policy }: BindingDeps,
  transaction: Transaction,
  who: Holder,
  stored: StoredDeviceRequest,
): Promise<void> {
  const devices = await devicesOf(transaction, who.sub);
  const decision = policy.decide({
    action: 'approve-device',
    principal: principalOf(who),
    resource: { kind: 'device', id: stored.device_id, owner: stored.sub },
    context: { devices: devices.length },
  });
  if (decision.effect === 'deny') throw new CountersignError('device_limit');
}

async function storeRefusal(
  { clock, events }: BindingDeps,
  transaction: Transaction,
  who: Holder,
  stored: StoredDeviceRequest,
  context: RequestContext,
): Promise<void> {
  const at = { step: 'any', now: seconds(clock) } as const;
  const taken = await advance(transaction, stored.id, at, { status: 'refused' });
  if (!taken) throw new CountersignError('device_request_state');
  await events.append(transaction, {
    type: 'device.refused',
    actor: context.actor,
    subject: { sub: stored.sub, device: stored.device_id },
    outcome: 'success',
    requestId: context.requestId,
    data: { label: stored.label, reason: stored.device_id === who.deviceId ? 'withdrawn' : 'refused' },
  });
}
