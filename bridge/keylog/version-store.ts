import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { firstIdOf, newId } from '../lib/ids.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { LoggedVersionsTable } from '../storage/tables/keylog.ts';
import type { LogHead } from '../tlog/log-heads.ts';
import type { LoggedKind, LoggedVersion } from './key-log.ts';

export type StagedVersion = Pick<LoggedVersionsTable, 'staged_id' | 'kind' | 'name' | 'version'>;

/** Throws `conflict` for a version that is there already. */
export async function insertVersion(
  tx: Transaction,
  { kind, name, version, value }: LoggedVersion,
): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('logged_versions')
    .values({ staged_id: newId(), kind, name, version, value, value_hash: sha256Base64url(value) })
    .onConflict((conflict) => conflict.columns(['kind', 'name', 'version']).doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) throw new CountersignError('conflict', 'This version exists already.');
}

export async function isPlaced(
  query: Query,
  kind: LoggedKind,
  name: string,
  version: number,
): Promise<boolean> {
  const row = await query
    .selectFrom('logged_versions')
    .select('position')
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('version', '=', version)
    .where('position', 'is not', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** The newest version of one thing, staged or placed. `value_hash`: SHA-256, base64url. */
export async function newestVersion(
  reader: Query | Transaction,
  kind: LoggedKind,
  name: string,
): Promise<Pick<LoggedVersionsTable, 'version' | 'value_hash'> | undefined> {
  return reader
    .selectFrom('logged_versions')
    .select(['version', 'value_hash'])
    .where('kind', '=', kind)
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Lower versions first: those of one name must not overtake each other where the clocks of replicas differ. */
export async function stagedVersions(query: Query, limit: number): Promise<StagedVersion[]> {
  return query
    .selectFrom('logged_versions')
    .select(['staged_id', 'kind', 'name', 'version'])
    .where('position', 'is', null)
    .orderBy('version')
    .orderBy('staged_id')
    .limit(limit)
    .execute();
}

/** Whether a version staged before `time` (ms since the epoch) still has no place. */
export async function hasStagedVersionBefore(query: Query, time: number): Promise<boolean> {
  const row = await query
    .selectFrom('logged_versions')
    .select('staged_id')
    .where('position', 'is', null)
    .where('staged_id', '<', firstIdOf(time))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** How many versions have no place yet. */
export async function countStagedVersions(query: Query): Promise<number> {
  const { count } = await query
    .selectFrom('logged_versions')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('position', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Gives the rows the places behind the head; answers the new one. Throws `conflict` for a placed one. */
export async function placeVersions(
  tx: Transaction,
  rows: readonly StagedVersion[],
  head: LogHead,
): Promise<LogHead> {
  for (const [index, row] of rows.entries()) {
    const { numUpdatedRows } = await tx
      .updateTable('logged_versions')
      .set({ position: head.size + index })
      .where('staged_id', '=', row.staged_id)
      .where('position', 'is', null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows !== 1n) throw new CountersignError('conflict', 'another sequencer placed the version');
  }
  return { size: head.size + rows.length, hash: head.hash };
}
