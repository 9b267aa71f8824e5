import type { DeviceRequest } from '../../protocol/api.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { devicesOf } from '../directory/devices.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { seconds } from '../lib/clock.ts';
import { findDeviceRequest, type StoredDeviceRequest, toDeviceRequest } from './device-request-store.ts';
import type { Holder } from './holder.ts';
import { type Asked, requirePersonPermission } from './permission.ts';
import type { BindingDeps } from './services.ts';

/**
 * The request, for the device that asks and for endorsed devices of the same person. To all others it does not exist:
 * `device_request_unknown`.
 */
export async function requireParty(
  { database }: BindingDeps,
  who: Holder,
  id: string,
): Promise<StoredDeviceRequest> {
  return database.read(async (query) => {
    await requireActivePerson(query, who.sub);
    const stored = await findDeviceRequest(query, id);
    const isParty = stored?.sub === who.sub && (stored.device_id === who.deviceId || who.endorsed);
    if (!isParty) throw new CountersignError('device_request_unknown');
    return stored;
  });
}

/** Throws `device_request_expired`, `device_request_state`. */
export function assertPending({ clock }: BindingDeps, stored: StoredDeviceRequest): void {
  if (stored.status === 'expired' || (stored.status === 'pending' && seconds(clock) >= stored.expires)) {
    throw new CountersignError('device_request_expired');
  }
  if (stored.status !== 'pending')
    throw new CountersignError('device_request_state', `It is ${stored.status}.`);
}

/** Policy's word on approving. Throws `forbidden`, `device_limit`. */
export async function requireApprover(
  deps: BindingDeps,
  who: Holder,
  stored: StoredDeviceRequest,
): Promise<void> {
  const { length: devices } = await deps.database.read((query) => devicesOf(query, who.sub));
  requirePersonPermission(deps, who, askedApproval(stored, devices));
}

/** `devices`: how many the person has already. */
export function askedApproval({ device_id: id, sub: owner }: StoredDeviceRequest, devices: number): Asked {
  return { action: 'approve-device', resource: { kind: 'device', id, owner }, facts: { devices } };
}

/** The request as it stands now. */
export async function currentRequest(
  { database, signer, clock }: BindingDeps,
  id: string,
): Promise<DeviceRequest> {
  const stored = await database.read((query) => findDeviceRequest(query, id));
  if (stored === undefined) throw new CountersignError('device_request_unknown');
  return toDeviceRequest(stored, signer.iss, seconds(clock));
}
