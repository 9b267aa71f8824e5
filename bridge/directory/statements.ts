import { type SignedStatement, signedStatementSchema, statementHash } from '../../protocol/key-statement.ts';
import type { Transaction } from '../storage/database.ts';
import type { StatementsTable } from '../storage/tables/directory.ts';
import type { Reader } from './handle.ts';

/** The newest statement of an address, of whatever status and person: `undefined` if it never had one, or it is erased or lost. */
export async function latestStatement(reader: Reader, address: string): Promise<SignedStatement | undefined> {
  const row = await newestRow(reader, address);
  return row === undefined || isGone(row) ? undefined : parseSigned(row.signed);
}

/** Where the versions of an address end, erased and lost ones included: what the next one continues. */
export async function lastVersion(
  reader: Reader,
  address: string,
): Promise<Pick<StatementsTable, 'version' | 'hash'> | undefined> {
  return newestRow(reader, address);
}

/** Both, with one read. */
export async function newestOf(
  reader: Reader,
  address: string,
): Promise<{
  readonly latest: SignedStatement | undefined;
  readonly last: Pick<StatementsTable, 'version' | 'hash'> | undefined;
}> {
  const last = await newestRow(reader, address);
  return {
    latest: last === undefined || isGone(last) ? undefined : parseSigned(last.signed),
    last,
  };
}

/** Of which nothing is said any more, to anybody. */
const GONE = ['erased', 'lost'] as const satisfies StatementsTable['status'][];

function isGone({ status }: Pick<StatementsTable, 'status'>): boolean {
  return status === 'erased' || status === 'lost';
}

function newestRow(reader: Reader, address: string) {
  return reader
    .selectFrom('statements')
    .select(['version', 'hash', 'status', 'signed'])
    .where('address', '=', address)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** One version of an address's statement; `undefined` if there is none, or it is erased or lost. */
export async function findStatement(
  reader: Reader,
  address: string,
  version: number,
): Promise<SignedStatement | undefined> {
  const row = await reader
    .selectFrom('statements')
    .select('signed')
    .where('address', '=', address)
    .where('version', '=', version)
    .where('status', 'not in', GONE)
    .executeTakeFirst();
  return row === undefined ? undefined : parseSigned(row.signed);
}

/** Versions of an address's statement from one up to another, in their order; erased and lost ones are absent. */
export async function statementsBetween(
  reader: Reader,
  address: string,
  { from, to }: { from: number; to: number },
): Promise<SignedStatement[]> {
  const rows = await reader
    .selectFrom('statements')
    .select('signed')
    .where('address', '=', address)
    .where('version', '>=', from)
    .where('version', '<=', to)
    .where('status', 'not in', GONE)
    .orderBy('version')
    .execute();
  return rows.map((row) => parseSigned(row.signed));
}

/** The newest statements of many addresses at once, by address; addresses without one, or whose is erased or lost, are absent. */
export async function latestStatements(
  reader: Reader,
  addresses: readonly string[],
): Promise<Map<string, SignedStatement>> {
  if (addresses.length === 0) return new Map();
  const rows = await reader
    .selectFrom('statements as newest')
    .select(['newest.address', 'newest.signed'])
    .where('newest.address', 'in', addresses)
    .where('newest.status', 'not in', GONE)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('statements as later')
            .select('later.version')
            .whereRef('later.address', '=', 'newest.address')
            .whereRef('later.version', '>', 'newest.version'),
        ),
      ),
    )
    .execute();
  return new Map(rows.map((row) => [row.address, parseSigned(row.signed)]));
}

/** Addresses whose newest statement was made at `time` (seconds) or later, with its status. */
export async function changedSince(
  reader: Reader,
  addresses: readonly string[],
  time: number,
): Promise<{ address: string; status: 'active' | 'revoked' }[]> {
  const latest = await latestStatements(reader, addresses);
  return [...latest.values()]
    .filter(({ statement }) => statement.since >= time)
    .map(({ statement: { address, status } }) => ({ address, status }));
}

/** The active statement that a person stands behind now, or `undefined`. */
export async function activeStatementOf(reader: Reader, sub: string): Promise<SignedStatement | undefined> {
  const keys = await reader
    .selectFrom('person_keys')
    .select('address')
    .where('sub', '=', sub)
    .executeTakeFirst();
  if (keys === undefined) return undefined;
  const latest = await latestStatement(reader, keys.address);
  return latest?.statement.status === 'active' && latest.statement.sub === sub ? latest : undefined;
}

/** Adds the next version. A unique violation means that another one was added meanwhile. */
export async function insertStatement(transaction: Transaction, signed: SignedStatement): Promise<void> {
  const { address, version, sub, status, since } = signed.statement;
  await transaction
    .insertInto('statements')
    .values({
      address,
      version,
      sub,
      status,
      signed: JSON.stringify(signed),
      hash: statementHash(signed.statement),
      since,
    })
    .execute();
}

/** Ids of everybody who ever stood behind an address, as far as they are not erased. */
export async function personsOfStatements(reader: Reader, address: string): Promise<string[]> {
  const rows = await reader
    .selectFrom('statements')
    .select('sub')
    .distinct()
    .where('address', '=', address)
    .where('sub', '!=', '')
    .execute();
  return rows.map(({ sub }) => sub);
}

/** Which versions of which addresses are a person's, whatever stands in them. */
export async function versionsOf(reader: Reader, sub: string): Promise<Map<string, number[]>> {
  const rows = await reader
    .selectFrom('statements')
    .select(['address', 'version'])
    .where('sub', '=', sub)
    .orderBy('address')
    .orderBy('version')
    .execute();
  const versions = new Map<string, number[]>();
  for (const { address, version } of rows) {
    versions.set(address, [...(versions.get(address) ?? []), version]);
  }
  return versions;
}

/**
 * Erases a person's statements on one address. If one of them is the address's last version, its number
 * and its hash stay for the next one to continue; whoever has not got the statement learns nothing from that.
 */
export async function eraseStatements(
  transaction: Transaction,
  { address, sub }: { address: string; sub: string },
): Promise<void> {
  await transaction
    .updateTable('statements')
    .set({ sub: '', status: 'erased', signed: '', since: 0 })
    .where('address', '=', address)
    .where('sub', '=', sub)
    .execute();
  const last = await lastVersion(transaction, address);
  await transaction
    .deleteFrom('statements')
    .where('address', '=', address)
    .where('status', '=', 'erased')
    .where('version', '<', last?.version ?? 0)
    .execute();
}

/**
 * Notes that versions of an address from `from` on are lost: what came before them stands for nobody any more, and the next
 * statement continues the `marker` behind them (bridge/keylog/lost-versions.ts). What was staged in their place goes.
 */
export async function loseStatements(
  transaction: Transaction,
  address: string,
  { from, marker, now }: { from: number; marker: { version: number; hash: string }; now: number },
): Promise<void> {
  await transaction
    .deleteFrom('statements')
    .where('address', '=', address)
    .where('version', '>=', from)
    .execute();
  await transaction
    .updateTable('statements')
    .set({ status: 'lost' })
    .where('address', '=', address)
    .where('status', '!=', 'erased')
    .execute();
  const { version, hash } = marker;
  await transaction
    .insertInto('statements')
    .values({ address, version, sub: '', status: 'lost', signed: '', hash, since: now })
    .execute();
}

function parseSigned(json: string): SignedStatement {
  return signedStatementSchema.parse(JSON.parse(json));
}
