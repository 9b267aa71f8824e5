import { sha256Base64url } from '../../protocol/hash.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { OAuthGrantsTable } from '../storage/tables/oauth.ts';

type Reader = Query | Transaction;

/** The kinds of records that must survive a restart. */
export type RecordModel = 'AuthorizationCode' | 'AccessToken' | 'RefreshToken' | 'Grant';

/** What the library wants to remember: JSON, without the secret that it is found by. */
export type RecordPayload = Readonly<Record<string, unknown>>;

export interface StoredRecord {
  readonly payload: RecordPayload;
  /** Seconds, when it was used; null if it was not. */
  readonly consumed: number | null;
}

export async function findRecord(
  reader: Reader,
  model: RecordModel,
  id: string,
): Promise<StoredRecord | undefined> {
  const row = await reader
    .selectFrom('oauth_records')
    .select(['payload', 'consumed'])
    .where('model', '=', model)
    .where('id_hash', '=', sha256Base64url(id))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { payload: { ...JSON.parse(row.payload), jti: id }, consumed: row.consumed };
}

/** Keeps a record; one of the same id is replaced, but stays used if it was. */
export async function saveRecord(
  tx: Transaction,
  model: RecordModel,
  id: string,
  { jti: _secret, ...payload }: RecordPayload,
  expires: number,
): Promise<void> {
  const row = {
    payload: JSON.stringify(payload),
    grant_id: text(payload.grantId),
    account_id: text(payload.accountId),
    app_id: text(payload.clientId),
    // A code is bound to a key before there is a token.
    jkt: text(payload.jkt) ?? text(payload.dpopJkt),
    expires,
  };
  await tx
    .insertInto('oauth_records')
    .values({ model, id_hash: sha256Base64url(id), ...row, consumed: null })
    .onConflict((conflict) => conflict.columns(['model', 'id_hash']).doUpdateSet(row))
    .execute();
}

/** Marks a record as used; of two that try, one is told `true`. */
export async function consumeRecord(
  tx: Transaction,
  model: RecordModel,
  id: string,
  now: number,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('oauth_records')
    .set({ consumed: now })
    .where('model', '=', model)
    .where('id_hash', '=', sha256Base64url(id))
    .where('consumed', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

export async function deleteRecord(tx: Transaction, model: RecordModel, id: string): Promise<void> {
  await tx
    .deleteFrom('oauth_records')
    .where('model', '=', model)
    .where('id_hash', '=', sha256Base64url(id))
    .execute();
}

/** Ends grants with everything that was issued under them; answers how many records that were. */
export async function deleteGrants(tx: Transaction, grantIds: readonly string[]): Promise<number> {
  let count = 0;
  // A whole company may have come through one connection, and a statement takes so many values.
  for (let from = 0; from < grantIds.length; from += GRANTS_AT_ONCE) {
    count += await deleteSomeGrants(tx, grantIds.slice(from, from + GRANTS_AT_ONCE));
  }
  return count;
}

const GRANTS_AT_ONCE = 500;

async function deleteSomeGrants(tx: Transaction, grantIds: readonly string[]): Promise<number> {
  const hashes = grantIds.map(sha256Base64url);
  const issued = await tx.deleteFrom('oauth_records').where('grant_id', 'in', grantIds).executeTakeFirst();
  const grants = await tx
    .deleteFrom('oauth_records')
    .where('model', '=', 'Grant')
    .where('id_hash', 'in', hashes)
    .executeTakeFirst();
  await tx.deleteFrom('oauth_grants').where('grant_id', 'in', grantIds).execute();
  return Number(issued.numDeletedRows + grants.numDeletedRows);
}

/** Ends the grants of everybody who came through a connection; answers how many records that were. */
export async function endGrantsOfConnection(tx: Transaction, connectionId: string): Promise<number> {
  return deleteGrants(tx, await grantsOf(tx, { connectionId }));
}

/** The grants of a device (by its key), a person, an app, or those that came through a connection. */
export async function grantsOf(
  tx: Transaction,
  whose:
    | { readonly jkt: string }
    | { readonly sub: string }
    | { readonly appId: string }
    | { readonly connectionId: string },
): Promise<string[]> {
  if ('jkt' in whose) {
    const rows = await tx
      .selectFrom('oauth_records')
      .select('grant_id')
      .distinct()
      .where('jkt', '=', whose.jkt)
      .execute();
    return rows.flatMap(({ grant_id }) => grant_id ?? []);
  }
  const [column, value] =
    'sub' in whose
      ? (['sub', whose.sub] as const)
      : 'appId' in whose
        ? (['app_id', whose.appId] as const)
        : (['connection_id', whose.connectionId] as const);
  const rows = await tx.selectFrom('oauth_grants').select('grant_id').where(column, '=', value).execute();
  return rows.map(({ grant_id }) => grant_id);
}

/** Ends every grant, token and code there is; answers how many records. */
export async function deleteAllRecords(tx: Transaction): Promise<number> {
  const { numDeletedRows } = await tx.deleteFrom('oauth_records').executeTakeFirstOrThrow();
  await tx.deleteFrom('oauth_grants').execute();
  return Number(numDeletedRows);
}

/** Everything else that a person or an app has: what was begun and has no grant yet. */
export async function deleteRecordsOf(
  tx: Transaction,
  column: 'jkt' | 'account_id' | 'app_id',
  value: string,
): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('oauth_records')
    .where(column, '=', value)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

export async function insertGrantFacts(tx: Transaction, facts: OAuthGrantsTable): Promise<void> {
  await tx.insertInto('oauth_grants').values(facts).execute();
}

/** The same for a grant that is given anew with each token. */
export async function keepGrantFacts(tx: Transaction, facts: OAuthGrantsTable): Promise<void> {
  await tx
    .insertInto('oauth_grants')
    .values(facts)
    .onConflict((conflict) => conflict.column('grant_id').doUpdateSet({ created: facts.created }))
    .execute();
}

/** What stands behind an access token. */
export interface TokenFacts {
  readonly sub: string;
  readonly jkt: string | null;
  readonly expires: number;
  readonly connection_id: string;
  readonly sign_in: string;
  /** JSON of the token's record. */
  readonly payload: string;
}

/** When the access token of this hash ends, in seconds; nothing if it is not there or its grant has ended. */
export async function findTokenEnd(reader: Reader, tokenHash: string): Promise<number | undefined> {
  const token = await reader
    .selectFrom('oauth_records')
    .innerJoin('oauth_grants', 'oauth_grants.grant_id', 'oauth_records.grant_id')
    .select('oauth_records.expires')
    .where('oauth_records.model', '=', 'AccessToken')
    .where('oauth_records.id_hash', '=', tokenHash)
    .executeTakeFirst();
  return token?.expires;
}

/** What stands behind access tokens, by their hashes; nothing for those whose grant has ended. */
export async function findTokens(
  reader: Reader,
  hashes: readonly string[],
): Promise<Map<string, TokenFacts>> {
  const rows = await reader
    .selectFrom('oauth_records')
    .innerJoin('oauth_grants', 'oauth_grants.grant_id', 'oauth_records.grant_id')
    .select([
      'oauth_records.id_hash',
      'oauth_grants.sub',
      'oauth_records.jkt',
      'oauth_records.expires',
      'oauth_records.payload',
      'oauth_grants.connection_id',
      'oauth_grants.sign_in',
    ])
    .where('oauth_records.model', '=', 'AccessToken')
    .where('oauth_records.id_hash', 'in', hashes)
    .execute();
  return new Map(rows.map(({ id_hash, ...facts }) => [id_hash, facts]));
}

/** Forgets what has expired; answers how many records. */
export async function purgeRecords(tx: Transaction, now: number): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('oauth_records')
    .where('expires', '<=', now)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** Forgets how people signed in for grants made before `time`. */
export async function purgeGrantFacts(tx: Transaction, time: number): Promise<void> {
  await tx.deleteFrom('oauth_grants').where('created', '<=', time).execute();
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
