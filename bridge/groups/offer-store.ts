import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { GroupOffersTable } from '../storage/tables/groups.ts';

export type StoredOffer = Readonly<GroupOffersTable>;

export async function findOffer(reader: Reader, offerId: string): Promise<StoredOffer | undefined> {
  return reader.selectFrom('group_offers').selectAll().where('offer_id', '=', offerId).executeTakeFirst();
}

export async function findOfferByRequest(
  reader: Reader,
  sub: string,
  requestId: string,
): Promise<StoredOffer | undefined> {
  return reader
    .selectFrom('group_offers')
    .selectAll()
    .where('sub', '=', sub)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
}

/** A unique violation means that this person used the request id meanwhile. */
export async function insertOffer(
  transaction: Transaction,
  offer: Omit<StoredOffer, 'status' | 'confirmation_hash'>,
): Promise<void> {
  await transaction
    .insertInto('group_offers')
    .values({ ...offer, status: 'offered', confirmation_hash: null })
    .execute();
}

/** Uses an offer up; `false` if that was done before. `sealed` is the state without the share. */
export async function markOfferConfirmed(
  transaction: Transaction,
  offerId: string,
  confirmed: { confirmationHash: string; sealed: Uint8Array },
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('group_offers')
    .set({
      status: 'confirmed',
      confirmation_hash: confirmed.confirmationHash,
      sealed: confirmed.sealed,
    })
    .where('offer_id', '=', offerId)
    .where('status', '=', 'offered')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Deletes offers that ran out; answers whose they were. */
export async function deleteExpiredOffers(
  transaction: Transaction,
  now: number,
): Promise<Pick<StoredOffer, 'offer_id' | 'sub' | 'device_id'>[]> {
  return transaction
    .deleteFrom('group_offers')
    .where('status', '=', 'offered')
    .where('expires', '<=', now)
    .returning(['offer_id', 'sub', 'device_id'])
    .execute();
}

/** Deletes confirmed offers that were made before `before`: nobody repeats them any more. */
export async function deleteOldOffers(transaction: Transaction, before: number): Promise<number> {
  const { numDeletedRows } = await transaction
    .deleteFrom('group_offers')
    .where('created', '<', before)
    .where('status', '=', 'confirmed')
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** Deletes a person's open offers with their shares, of one device or of all. */
export async function deleteOpenOffers(
  transaction: Transaction,
  sub: string,
  deviceId?: string,
): Promise<void> {
  let query = transaction.deleteFrom('group_offers').where('sub', '=', sub).where('status', '=', 'offered');
  if (deviceId !== undefined) query = query.where('device_id', '=', deviceId);
  await query.execute();
}

/** Deletes a person's offers, whatever became of them: part of erasing. */
export async function deleteOffersBy(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('group_offers').where('sub', '=', sub).execute();
}
