import type { Query, Transaction } from '../storage/database.ts';
import type { AdministratorTokensTable } from '../storage/tables/administration.ts';

export type StoredToken = Readonly<AdministratorTokensTable>;

/** The token of this hash that has not expired, or `undefined`. `now` in seconds. */
export async function findTokenByHash(
  query: Query,
  hash: string,
  now: number,
): Promise<StoredToken | undefined> {
  return query
    .selectFrom('administrator_tokens')
    .selectAll()
    .where('hash', '=', hash)
    .where('expires', '>', now)
    .executeTakeFirst();
}

/** Tokens that have not expired, the oldest first. */
export async function listTokens(reader: Query | Transaction, now: number): Promise<StoredToken[]> {
  return reader
    .selectFrom('administrator_tokens')
    .selectAll()
    .where('expires', '>', now)
    .orderBy('id')
    .execute();
}

export async function insertToken(tx: Transaction, token: StoredToken): Promise<void> {
  await tx.insertInto('administrator_tokens').values(token).execute();
}

/** Deletes a token; answers it, or `undefined` where there is none. */
export async function deleteToken(tx: Transaction, id: string): Promise<StoredToken | undefined> {
  return tx.deleteFrom('administrator_tokens').where('id', '=', id).returningAll().executeTakeFirst();
}

export async function insertLink(
  tx: Transaction,
  link: { hash: string; created: number; expires: number },
): Promise<void> {
  await tx.insertInto('bootstrap_links').values(link).execute();
}

/** Uses a link up: of two callers one gets `true`. An expired one is of no use to anybody. */
export async function takeLink(tx: Transaction, hash: string, now: number): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('bootstrap_links')
    .where('hash', '=', hash)
    .where('expires', '>', now)
    .executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

/** Forgets what has expired; answers how many rows. */
export async function purgeExpired(tx: Transaction, now: number): Promise<number> {
  const tokens = await tx
    .deleteFrom('administrator_tokens')
    .where('expires', '<=', now)
    .executeTakeFirstOrThrow();
  const links = await tx.deleteFrom('bootstrap_links').where('expires', '<=', now).executeTakeFirstOrThrow();
  return Number(tokens.numDeletedRows + links.numDeletedRows);
}
