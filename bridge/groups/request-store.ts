import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { GroupRequestsTable } from '../storage/tables/groups.ts';

/** The answer to a request that changed a group, for whoever repeats it. */
export type StoredRequest = Readonly<GroupRequestsTable>;

export async function findRequest(
  reader: Reader,
  sub: string,
  requestId: string,
): Promise<StoredRequest | undefined> {
  return reader
    .selectFrom('group_requests')
    .selectAll()
    .where('sub', '=', sub)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
}

/** A unique violation means that this person used the request id meanwhile. */
export async function insertRequest(transaction: Transaction, request: StoredRequest): Promise<void> {
  await transaction.insertInto('group_requests').values(request).execute();
}

/** Deletes answers that were given before `before`: nobody repeats them any more. */
export async function deleteOldRequests(transaction: Transaction, before: number): Promise<number> {
  const { numDeletedRows } = await transaction
    .deleteFrom('group_requests')
    .where('created', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** Deletes the answers given to a person: part of erasing. */
export async function deleteRequestsBy(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('group_requests').where('sub', '=', sub).execute();
}
