import type { DeviceRequest } from '../../protocol/api.ts';
import { signatureKeySchema } from '../../protocol/public-key.ts';
import type { Reader } from '../directory/handle.ts';
import { parseKeyPair } from '../directory/person-keys.ts';
import type { Transaction } from '../storage/database.ts';
import type { DeviceRequestsTable } from '../storage/tables/binding.ts';

export type StoredDeviceRequest = Readonly<DeviceRequestsTable>;

export async function findDeviceRequest(
  reader: Reader,
  id: string,
): Promise<StoredDeviceRequest | undefined> {
  return reader.selectFrom('device_requests').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findDeviceRequestByRequest(
  reader: Reader,
  sub: string,
  requestId: string,
): Promise<StoredDeviceRequest | undefined> {
  return reader
    .selectFrom('device_requests')
    .selectAll()
    .where('sub', '=', sub)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
}

/** A person's requests that can still be answered, the oldest first. */
export async function pendingDeviceRequests(
  reader: Reader,
  sub: string,
  now: number,
): Promise<StoredDeviceRequest[]> {
  return reader
    .selectFrom('device_requests')
    .selectAll()
    .where('sub', '=', sub)
    .where('status', '=', 'pending')
    .where('expires', '>', now)
    .orderBy('created')
    .orderBy('id')
    .execute();
}

/** A unique violation means that this person used the request id meanwhile. */
export async function insertDeviceRequest(
  transaction: Transaction,
  request: Omit<
    StoredDeviceRequest,
    'status' | 'approver_device' | 'approver_sig' | 'approver_nonce' | 'device_nonce'
  >,
): Promise<void> {
  const open = { approver_device: null, approver_sig: null, approver_nonce: null, device_nonce: null };
  await transaction
    .insertInto('device_requests')
    .values({ ...request, ...open, status: 'pending' })
    .execute();
}

/** Which step a request must be at, for the next one to be taken. */
export type Step = 'open' | 'challenged' | 'any';

/** Takes one step of a pending request, atomically; `false` if it is not at that step (any more). */
export async function advance(
  transaction: Transaction,
  id: string,
  at: { step: Step; now: number },
  changes: Partial<
    Pick<
      StoredDeviceRequest,
      'status' | 'approver_device' | 'approver_sig' | 'approver_nonce' | 'device_nonce'
    >
  >,
): Promise<boolean> {
  let update = transaction
    .updateTable('device_requests')
    .set(changes)
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .where('expires', '>', at.now);
  if (at.step === 'open') update = update.where('approver_nonce', 'is', null);
  if (at.step === 'challenged') {
    update = update.where('approver_nonce', 'is not', null).where('device_nonce', 'is', null);
  }
  const { numUpdatedRows } = await update.executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Ends requests that nobody answered in time; answers them. */
export async function expireDeviceRequests(
  transaction: Transaction,
  now: number,
): Promise<Pick<StoredDeviceRequest, 'sub' | 'device_id' | 'label'>[]> {
  return transaction
    .updateTable('device_requests')
    .set({ status: 'expired' })
    .where('status', '=', 'pending')
    .where('expires', '<=', now)
    .returning(['sub', 'device_id', 'label'])
    .execute();
}

/** Deletes answered requests that began before `before`: nobody repeats them any more. */
export async function deleteOldDeviceRequests(transaction: Transaction, before: number): Promise<void> {
  await transaction
    .deleteFrom('device_requests')
    .where('status', '!=', 'pending')
    .where('created', '<', before)
    .execute();
}

/** Deletes a person's requests, answered or not: part of erasing. */
export async function deleteAllDeviceRequestsOf(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('device_requests').where('sub', '=', sub).execute();
}

/** Deletes a person's pending requests: part of closing and resetting. */
export async function deleteDeviceRequestsOf(transaction: Transaction, sub: string): Promise<void> {
  await transaction
    .deleteFrom('device_requests')
    .where('sub', '=', sub)
    .where('status', '=', 'pending')
    .execute();
}

/** A request as both sides see it. */
export function toDeviceRequest(stored: StoredDeviceRequest, iss: string, now: number): DeviceRequest {
  const [pre, sig] = parseKeyPair(stored.keys);
  const overdue = stored.status === 'pending' && now >= stored.expires;
  return {
    id: stored.id,
    status: overdue ? 'expired' : stored.status,
    iss,
    sub: stored.sub,
    device_key: pre,
    device_sig: sig,
    label: stored.label,
    method: stored.method,
    commitment: stored.commitment,
    approver_sig:
      stored.approver_sig === null ? null : signatureKeySchema.parse(JSON.parse(stored.approver_sig)),
    approver_nonce: stored.approver_nonce,
    device_nonce: stored.device_nonce,
    expires: stored.expires,
  };
}
