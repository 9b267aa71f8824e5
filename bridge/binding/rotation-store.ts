import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { RotationsTable } from '../storage/tables/binding.ts';

export type StoredRotation = Readonly<RotationsTable>;

export async function findRotation(
  reader: Reader,
  sub: string,
  requestId: string,
): Promise<StoredRotation | undefined> {
  return reader
    .selectFrom('rotations')
    .selectAll()
    .where('sub', '=', sub)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
}

/** A unique violation means that this person used the request id meanwhile. */
export async function insertRotation(
  transaction: Transaction,
  rotation: Omit<StoredRotation, 'status'>,
): Promise<void> {
  await transaction
    .insertInto('rotations')
    .values({ ...rotation, status: 'stored' })
    .execute();
}

/** Rotations of which nobody has noted yet that they were published. */
export async function unannouncedRotations(reader: Reader): Promise<StoredRotation[]> {
  return reader.selectFrom('rotations').selectAll().where('status', '=', 'stored').execute();
}

/** Notes that a rotation was published; `false` if that was noted before. */
export async function markRotationPublished(
  transaction: Transaction,
  { sub, request_id }: StoredRotation,
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('rotations')
    .set({ status: 'published' })
    .where('sub', '=', sub)
    .where('request_id', '=', request_id)
    .where('status', '=', 'stored')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Deletes published rotations from before `before`: nobody repeats them any more. */
export async function deleteOldRotations(transaction: Transaction, before: number): Promise<void> {
  await transaction
    .deleteFrom('rotations')
    .where('status', '=', 'published')
    .where('created', '<', before)
    .execute();
}

/** Deletes a person's rotations: part of erasing. Their keys are not touched by it. */
export async function deleteRotationsOf(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('rotations').where('sub', '=', sub).execute();
}
