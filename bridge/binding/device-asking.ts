import type { DeviceRequestBody } from '../../protocol/api.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { devicesOf, findDevice } from '../directory/devices.ts';
import { findPersonKeys } from '../directory/person-keys.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { DEVICE_APPROVAL_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation } from '../storage/database.ts';
import { requireParty } from './device-request-access.ts';
import {
  findDeviceRequestByRequest,
  insertDeviceRequest,
  pendingDeviceRequests,
  type StoredDeviceRequest,
  toDeviceRequest,
} from './device-request-store.ts';
import { signInStrength } from './device-sign-ins.ts';
import { assertDeviceKeys, assertOwnDeviceKey } from './enrolment-offer.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import type { BindingDeps, DeviceAdditions } from './services.ts';

/** Open requests of one person: the people who compare must not be flooded. */
const OPEN_REQUESTS = 10;

/** A new device asks, and both sides look. */
export function createAsking(deps: BindingDeps): Pick<DeviceAdditions, 'request' | 'list' | 'find'> {
  const { database, signer, clock } = deps;
  const view = (stored: StoredDeviceRequest) => toDeviceRequest(stored, signer.iss, seconds(clock));
  return {
    async request(who, body, context) {
      const requestHash = sha256Base64url(JSON.stringify([body, who.deviceId]));
      const earlier = await findEarlier(deps, who, body.request_id, requestHash);
      if (earlier !== undefined) return view(earlier);
      assertOwnDeviceKey(who, body.device_sig);
      await assertDeviceKeys(deps.engine, body);
      await requireRequestPermission(deps, who);
      try {
        await store(deps, who, body, requestHash, context);
      } catch (error) {
        if (!isUniqueViolation(error, 'device_requests')) throw error;
      }
      const stored = await findEarlier(deps, who, body.request_id, requestHash);
      if (stored === undefined) throw new CountersignError('conflict');
      return view(stored);
    },

    async list(who) {
      const resource = { kind: 'person', id: who.sub, owner: who.sub } as const;
      requirePersonPermission(deps, who, { action: 'see-self', resource });
      const stored = await database.read(async (query) => {
        await requireActivePerson(query, who.sub);
        return pendingDeviceRequests(query, who.sub, seconds(clock));
      });
      return stored.filter((one) => who.endorsed || one.device_id === who.deviceId).map(view);
    },

    async find(who, id) {
      const stored = await requireParty(deps, who, id);
      const resource = { kind: 'device', id: stored.device_id, owner: stored.sub } as const;
      requirePersonPermission(deps, who, { action: 'see-self', resource });
      return view(stored);
    },
  };
}

async function findEarlier(
  { database }: BindingDeps,
  who: Holder,
  requestId: string,
  requestHash: string,
): Promise<StoredDeviceRequest | undefined> {
  const earlier = await database.read((query) => findDeviceRequestByRequest(query, who.sub, requestId));
  if (earlier !== undefined && earlier.request_hash !== requestHash) {
    throw new CountersignError('request_id_reused');
  }
  return earlier;
}

async function requireRequestPermission(deps: BindingDeps, who: Holder): Promise<void> {
  const devices = await deps.database.read((query) => devicesOf(query, who.sub));
  requirePersonPermission(deps, who, {
    action: 'request-device',
    resource: { kind: 'device', id: who.deviceId, owner: who.sub },
    facts: { devices: devices.length },
  });
}

async function store(
  { database, clock, events }: BindingDeps,
  who: Holder,
  body: DeviceRequestBody,
  requestHash: string,
  context: RequestContext,
): Promise<void> {
  const now = seconds(clock);
  await database.transaction(async (transaction) => {
    await requireActivePerson(transaction, who.sub);
    if ((await findPersonKeys(transaction, who.sub)) === undefined) {
      throw new CountersignError('conflict', 'There is no active key: enrol instead.');
    }
    if ((await findDevice(transaction, who.deviceId)) !== undefined) {
      throw new CountersignError('conflict', 'This device key is in use.');
    }
    if ((await pendingDeviceRequests(transaction, who.sub, now)).length >= OPEN_REQUESTS) {
      throw new CountersignError('device_limit', 'Too many requests are open: refuse some first.');
    }
    await insertDeviceRequest(transaction, {
      id: newId(),
      sub: who.sub,
      device_id: who.deviceId,
      request_id: body.request_id,
      request_hash: requestHash,
      keys: JSON.stringify([body.device_key, body.device_sig]),
      label: body.label,
      method: body.comparison.method,
      commitment: body.comparison.method === 'code' ? body.comparison.commitment : null,
      sign_in: JSON.stringify(signInStrength(who.signIn)),
      created: now,
      expires: now + DEVICE_APPROVAL_LIFE_S,
    });
    await events.append(transaction, {
      type: 'device.requested',
      actor: context.actor,
      subject: { sub: who.sub, device: who.deviceId },
      outcome: 'success',
      requestId: context.requestId,
      data: { label: body.label },
    });
  });
}
