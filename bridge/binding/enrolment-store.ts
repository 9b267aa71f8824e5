import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { EnrolmentsTable } from '../storage/tables/binding.ts';

export type StoredEnrolment = Readonly<EnrolmentsTable>;

export async function findEnrolment(
  reader: Reader,
  enrolmentId: string,
): Promise<StoredEnrolment | undefined> {
  return reader
    .selectFrom('enrolments')
    .selectAll()
    .where('enrolment_id', '=', enrolmentId)
    .executeTakeFirst();
}

export async function findEnrolmentByRequest(
  reader: Reader,
  sub: string,
  requestId: string,
): Promise<StoredEnrolment | undefined> {
  return reader
    .selectFrom('enrolments')
    .selectAll()
    .where('sub', '=', sub)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
}

/** A unique violation means that this person used the request id meanwhile. */
export async function insertEnrolment(
  transaction: Transaction,
  enrolment: Omit<StoredEnrolment, 'status' | 'confirmation_hash'>,
): Promise<void> {
  await transaction
    .insertInto('enrolments')
    .values({ ...enrolment, status: 'offered', confirmation_hash: null })
    .execute();
}

/** Uses an offer up; `false` if that was done before. `sealed` is the state without the share. */
export async function markConfirmed(
  transaction: Transaction,
  enrolmentId: string,
  confirmed: { confirmationHash: string; sealed: Uint8Array },
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('enrolments')
    .set({
      status: 'confirmed',
      confirmation_hash: confirmed.confirmationHash,
      sealed: confirmed.sealed,
    })
    .where('enrolment_id', '=', enrolmentId)
    .where('status', '=', 'offered')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Confirmed enrolments of which nobody has noted yet that they were published. */
export async function unannouncedEnrolments(reader: Reader): Promise<StoredEnrolment[]> {
  return reader.selectFrom('enrolments').selectAll().where('status', '=', 'confirmed').execute();
}

/** Notes that a confirmed enrolment was published; `false` if that was noted before. */
export async function markPublished(transaction: Transaction, enrolmentId: string): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('enrolments')
    .set({ status: 'published' })
    .where('enrolment_id', '=', enrolmentId)
    .where('status', '=', 'confirmed')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Deletes offers that ran out; answers whose they were. */
export async function deleteExpiredOffers(
  transaction: Transaction,
  now: number,
): Promise<Pick<StoredEnrolment, 'enrolment_id' | 'sub' | 'device_id'>[]> {
  return transaction
    .deleteFrom('enrolments')
    .where('status', '=', 'offered')
    .where('expires', '<=', now)
    .returning(['enrolment_id', 'sub', 'device_id'])
    .execute();
}

/** Deletes published enrolments that began before `before`: nobody repeats them any more. */
export async function deleteOldPublished(transaction: Transaction, before: number): Promise<void> {
  await transaction
    .deleteFrom('enrolments')
    .where('status', '=', 'published')
    .where('created', '<', before)
    .execute();
}

/** Deletes a person's enrolments, whatever became of them: part of erasing. */
export async function deleteEnrolmentsOf(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('enrolments').where('sub', '=', sub).execute();
}

/** Deletes a person's open offers with their shares: part of closing and resetting. */
export async function deleteOffersOf(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('enrolments').where('sub', '=', sub).where('status', '=', 'offered').execute();
}
