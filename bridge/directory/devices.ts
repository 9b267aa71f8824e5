import { DEVICE_SEEN_EVERY_S } from '../lib/limits.ts';
import type { Transaction } from '../storage/database.ts';
import type { DevicesTable } from '../storage/tables/directory.ts';
import type { Reader } from './handle.ts';
import { type KeyPair, parseKeyPair } from './person-keys.ts';

/** An endorsed device; its transform key stays sealed by the signer. */
export type Device = Readonly<Omit<DevicesTable, 'keys'>> & { readonly keys: KeyPair };

export async function findDevice(reader: Reader, deviceId: string): Promise<Device | undefined> {
  const row = await reader
    .selectFrom('devices')
    .selectAll()
    .where('device_id', '=', deviceId)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, keys: parseKeyPair(row.keys) };
}

/** Whose devices these are, by device id; those that are nobody's are absent. */
export async function ownersOfDevices(
  reader: Reader,
  deviceIds: readonly string[],
): Promise<Map<string, string>> {
  if (deviceIds.length === 0) return new Map();
  const rows = await reader
    .selectFrom('devices')
    .select(['device_id', 'sub'])
    .where('device_id', 'in', deviceIds)
    .execute();
  return new Map(rows.map(({ device_id, sub }) => [device_id, sub]));
}

/** The devices of a person, the oldest first. */
export async function devicesOf(reader: Reader, sub: string): Promise<Device[]> {
  const rows = await reader
    .selectFrom('devices')
    .selectAll()
    .where('sub', '=', sub)
    .orderBy('added')
    .orderBy('device_id')
    .execute();
  return rows.map((row) => ({ ...row, keys: parseKeyPair(row.keys) }));
}

/** Adds a device. A unique violation means that this key is a device already. */
export async function insertDevice(
  transaction: Transaction,
  device: Omit<Device, 'generation' | 'last_seen'>,
): Promise<void> {
  await transaction
    .insertInto('devices')
    .values({ ...device, keys: JSON.stringify(device.keys), generation: 0, last_seen: device.added })
    .execute();
}

/** The device under its person's next keys; what it decrypts with stays the same. */
export async function endorseDevice(
  transaction: Transaction,
  { device_id, endorsement, key_version, transform_key }: EndorsedAnew,
): Promise<void> {
  await transaction
    .updateTable('devices')
    .set({ endorsement, key_version, transform_key })
    .where('device_id', '=', device_id)
    .execute();
}

export type EndorsedAnew = Pick<Device, 'device_id' | 'endorsement' | 'key_version' | 'transform_key'>;

/**
 * Puts another encryption key and the transform key to it in the place of a device's own, which are gone with that, and
 * raises its generation; `false` if the device is not (any more) as it was at `generation`.
 */
export async function replaceDeviceKey(
  transaction: Transaction,
  device: EndorsedAnew & Pick<Device, 'keys' | 'generation'>,
): Promise<boolean> {
  const { device_id, keys, endorsement, transform_key, key_version, generation } = device;
  const { numUpdatedRows } = await transaction
    .updateTable('devices')
    .set({ keys: JSON.stringify(keys), endorsement, transform_key, generation: generation + 1 })
    .where('device_id', '=', device_id)
    .where('generation', '=', generation)
    .where('key_version', '=', key_version)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Deletes a device with its transform key; answers whether it was there. */
export async function deleteDevice(transaction: Transaction, deviceId: string): Promise<boolean> {
  const { numDeletedRows } = await transaction
    .deleteFrom('devices')
    .where('device_id', '=', deviceId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Deletes every device of a person with its transform key; answers their ids. */
export async function deleteDevicesOf(transaction: Transaction, sub: string): Promise<string[]> {
  const rows = await transaction
    .deleteFrom('devices')
    .where('sub', '=', sub)
    .returning('device_id')
    .execute();
  return rows.map((row) => row.device_id);
}

/** A device was used, at `now` in seconds: written where that was not noted within DEVICE_SEEN_EVERY_S. It need not be enrolled. */
export async function noteSeen(transaction: Transaction, deviceId: string, now: number): Promise<void> {
  await transaction
    .updateTable('devices')
    .set({ last_seen: now })
    .where('device_id', '=', deviceId)
    .where('last_seen', '<=', now - DEVICE_SEEN_EVERY_S)
    .execute();
}
