import type { Query, Transaction } from '../storage/database.ts';
import { findSigner } from './stored-keys.ts';

/** How long the key-encryption key has sealed. */
export interface KeyAge {
  /** Its id, which tells nothing about it. */
  readonly key: string;
  /** Since when, as far as it was seen; seconds. */
  readonly since: number;
  /** When it was told that the key is too old; null where it was not. */
  readonly told: number | null;
}

/** Of the key that seals now; `undefined` before it was noted, or before there is any. */
export async function findKeyAge(reader: Query | Transaction): Promise<KeyAge | undefined> {
  const signer = await findSigner(reader);
  if (signer === undefined) return undefined;
  const row = await reader
    .selectFrom('encryption_key_ages')
    .selectAll()
    .where('kek_id', '=', signer.kekId)
    .executeTakeFirst();
  return row === undefined ? undefined : { key: row.kek_id, since: row.since, told: row.told };
}

/** The same, noted from now on where the key is new here: the ceremonies themselves say nothing of time. */
export async function noteKeyAge(tx: Transaction, now: number): Promise<KeyAge | undefined> {
  const signer = await findSigner(tx);
  if (signer === undefined) return undefined;
  await tx
    .insertInto('encryption_key_ages')
    .values({ kek_id: signer.kekId, since: now, told: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return findKeyAge(tx);
}

/** Notes that it was told; `false` where another replica was faster. */
export async function noteKeyAgeTold(tx: Transaction, key: string, now: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('encryption_key_ages')
    .set({ told: now })
    .where('kek_id', '=', key)
    .where('told', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
