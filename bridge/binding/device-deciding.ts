import type { DeviceApproval } from '../../protocol/api.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { devicesOf } from '../directory/devices.ts';
import { parseKeyPair } from '../directory/person-keys.ts';
import { seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { type Access, assertUnchanged, readAccess } from './access.ts';
import { admitDevice, checkedTransformKey, type OfferedDevice } from './device-admission.ts';
import {
  askedApproval,
  assertPending,
  currentRequest,
  requireApprover,
  requireParty,
} from './device-request-access.ts';
import { advance, type StoredDeviceRequest } from './device-request-store.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import type { BindingDeps, DeviceAdditions } from './services.ts';

/** An endorsed device approves or refuses; the device that asked may withdraw. */
export function createDeciding(deps: BindingDeps): Pick<DeviceAdditions, 'approve' | 'refuse'> {
  return {
    async approve(who, id, approval, context) {
      const stored = await requireParty(deps, who, id);
      await requireApprover(deps, who, stored);
      assertPending(deps, stored);
      assertCompared(who, stored);
      const access = await deps.database.read((query) => readAccess(query, who));
      const offered = offeredDevice(stored, approval);
      const transformKey = await checkedTransformKey(deps, offered, access);
      await deps.database.transaction((transaction) =>
        store(deps, transaction, { who, stored, offered, access, transformKey, context }),
      );
      return currentRequest(deps, id);
    },

    async refuse(who, id, context) {
      const stored = await requireParty(deps, who, id);
      const resource = { kind: 'device', id: stored.device_id, owner: stored.sub } as const;
      requirePersonPermission(deps, who, { action: 'refuse-device', resource });
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

/** As it was asked for, with what the approving device says of it. */
function offeredDevice(stored: StoredDeviceRequest, approval: DeviceApproval): OfferedDevice {
  return {
    sub: stored.sub,
    label: stored.label,
    keys: parseKeyPair(stored.keys),
    endorsement: approval.endorsement,
    transformKey: approval.transform_key,
    signIn: JSON.parse(stored.sign_in),
  };
}

interface Approved {
  readonly who: Holder;
  readonly stored: StoredDeviceRequest;
  readonly offered: OfferedDevice;
  readonly access: Access;
  readonly transformKey: Uint8Array;
  readonly context: RequestContext;
}

/** What was true when the approval was checked is looked at again. */
async function store(deps: BindingDeps, transaction: Transaction, approved: Approved): Promise<void> {
  const { who, stored, offered, access, transformKey, context } = approved;
  const now = seconds(deps.clock);
  const taken = await advance(transaction, stored.id, { step: 'any', now }, { status: 'approved' });
  if (!taken) throw new CountersignError('device_request_state');
  assertUnchanged(access, await readAccess(transaction, who));
  await assertBelowLimit(deps, transaction, who, stored);
  await admitDevice(transaction, offered, { keyVersion: access.keys.key_version, transformKey, now });
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
  deps: BindingDeps,
  transaction: Transaction,
  who: Holder,
  stored: StoredDeviceRequest,
): Promise<void> {
  const { length: devices } = await devicesOf(transaction, who.sub);
  requirePersonPermission(deps, who, askedApproval(stored, devices));
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
