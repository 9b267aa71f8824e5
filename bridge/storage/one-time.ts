import { CountersignError } from '../../protocol/errors.ts';
import type { Transaction } from './database.ts';

/**
 * Uses up `id` of this kind in the transaction of what it allows (PROTOCOL §12): of two transactions, one gets it,
 * for good. `id` may come from an attacker: hash it first if its length is not bounded.
 *
 * @param expiresAt - ms since the epoch: from then on the caller refuses the thing for its age, so that forgetting
 *   the id cannot make it valid again
 * @throws `replayed` if it was used before; the transaction is lost then, as after any error thrown in it
 */
export async function consumeOnce(
  tx: Transaction,
  kind: string,
  id: string,
  expiresAt: number,
): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('one_time')
    .values({ kind, id, expires_at: expiresAt })
    .onConflict((conflict) => conflict.columns(['kind', 'id']).doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) throw new CountersignError('replayed');
}

/** Later than any clock of ours differs from another: an id must outlive the thing on every replica. */
const KEPT_AFTER_EXPIRY_MS = 10 * 60_000;

/** Forgets the ids of what has expired; `now` in ms since the epoch. Answers how many. */
export async function purgeOneTime(tx: Transaction, now: number): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('one_time')
    .where('expires_at', '<', now - KEPT_AFTER_EXPIRY_MS)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
