import type { Query, Transaction } from '../storage/database.ts';
import type { AdministratorTokensTable, BootstrapLinksTable } from '../storage/tables/administration.ts';

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

/** The token of this id that has not expired, or `undefined`. */
export async function findToken(
  reader: Query | Transaction,
  id: string,
  now: number,
): Promise<StoredToken | undefined> {
  return reader
    .selectFrom('administrator_tokens')
    .selectAll()
    .where('id', '=', id)
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

/** Deletes a token with all that were made with it, and with those in turn; answers them, nothing if there is none. */
export async function deleteWithDescendants(tx: Transaction, id: string): Promise<StoredToken[]> {
  const found = await tx.deleteFrom('administrator_tokens').where('id', '=', id).returningAll().execute();
  for (const { id: parent } of found) {
    // What is found here is looked at in its turn: the loop goes on over what it appends.
    const made = tx.deleteFrom('administrator_tokens').where('parent', '=', parent).returningAll();
    found.push(...(await made.execute()));
  }
  return found;
}

export async function insertLink(tx: Transaction, link: Readonly<BootstrapLinksTable>): Promise<void> {
  await tx.insertInto('bootstrap_links').values(link).execute();
}

/** Ends every link that was not used up; answers how many. */
export async function deleteLinks(tx: Transaction): Promise<number> {
  const { numDeletedRows } = await tx.deleteFrom('bootstrap_links').executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** Uses a link up: of two callers one gets it. An expired one is of no use to anybody. */
export async function takeLink(
  tx: Transaction,
  hash: string,
  now: number,
): Promise<Readonly<BootstrapLinksTable> | undefined> {
  return tx
    .deleteFrom('bootstrap_links')
    .where('hash', '=', hash)
    .where('expires', '>', now)
    .returningAll()
    .executeTakeFirst();
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
