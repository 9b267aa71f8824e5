import { type SignedStatement, signedStatementSchema, statementHash } from '../../protocol/key-statement.ts';
import type { Transaction } from '../storage/database.ts';
import type { Reader } from './handle.ts';

/** The newest statement of an address, of whatever status and person, or `undefined` if it never had one. */
export async function latestStatement(reader: Reader, address: string): Promise<SignedStatement | undefined> {
  const row = await reader
    .selectFrom('statements')
    .select('signed')
    .where('address', '=', address)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : parseSigned(row.signed);
}

/** One version of an address's statement. */
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
    .executeTakeFirst();
  return row === undefined ? undefined : parseSigned(row.signed);
}

/** Versions of an address's statement from one on, in their order. */
export async function statementsFrom(
  reader: Reader,
  address: string,
  from: number,
  limit: number,
): Promise<SignedStatement[]> {
  const rows = await reader
    .selectFrom('statements')
    .select('signed')
    .where('address', '=', address)
    .where('version', '>=', from)
    .orderBy('version')
    .limit(limit)
    .execute();
  return rows.map((row) => parseSigned(row.signed));
}

/** The newest statements of many addresses at once, by address; addresses without one are absent. */
export async function latestStatements(
  reader: Reader,
  addresses: readonly string[],
): Promise<Map<string, SignedStatement>> {
  if (addresses.length === 0) return new Map();
  const rows = await reader
    .selectFrom('statements as newest')
    .select(['newest.address', 'newest.signed'])
    .where('newest.address', 'in', addresses)
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

function parseSigned(json: string): SignedStatement {
  return signedStatementSchema.parse(JSON.parse(json));
}
