import { randomBytes } from 'node:crypto';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { commit, OPENING_BYTES } from '../../protocol/keytrans/commitment.ts';
import { label } from '../../protocol/keytrans/label.ts';
import { firstIdOf, newId } from '../lib/ids.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { LoggedVersionsTable } from '../storage/tables/keylog.ts';
import type { LoggedKind, LoggedVersion } from './key-log.ts';
import type { VersionName } from './rungs.ts';
import { inStatements } from './statement-sizes.ts';

export type StagedVersion = Pick<
  LoggedVersionsTable,
  'staged_id' | 'kind' | 'name' | 'version' | 'commitment'
>;

/** A version's entry in the log. */
export interface PlacedVersion extends Pick<StagedVersion, 'staged_id' | 'kind' | 'name' | 'version'> {
  readonly position: number;
  readonly epoch: number;
}

/** Opening 16 bytes, commitment 32. */
export interface Commitment {
  readonly opening: Uint8Array;
  readonly commitment: Uint8Array;
}

/** A fresh commitment to a version. Throws `claims_invalid` for a name that has no place in the log. */
export function commitTo({ kind, name, version, value }: LoggedVersion): Commitment {
  const opening = new Uint8Array(randomBytes(OPENING_BYTES));
  return { opening, commitment: commit({ opening, label: label(kind, name), version, value }) };
}

/** Throws `conflict` for a version that is there already, `claims_invalid` as `commitTo`. */
export async function insertVersion(tx: Transaction, logged: LoggedVersion): Promise<void> {
  const { kind, name, version, value } = logged;
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('logged_versions')
    .values({
      ...{ staged_id: newId(), kind, name, version, value, value_hash: sha256Base64url(value) },
      ...{ ...commitTo(logged), position: null, epoch: null, earlier: 0 },
    })
    .onConflict((conflict) => conflict.columns(['kind', 'name', 'version']).doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) throw new CountersignError('conflict', 'This version exists already.');
}

/** Where a version stands; `undefined` for one that was never staged. */
export async function findVersion(
  query: Query,
  { kind, name, version }: VersionName,
): Promise<Pick<LoggedVersionsTable, 'epoch' | 'opening' | 'earlier'> | undefined> {
  return query
    .selectFrom('logged_versions')
    .select(['epoch', 'opening', 'earlier'])
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst();
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

/** What was committed to as this version, with its SHA-256 (base64url); both are empty once it is forgotten. */
export async function findValue(
  reader: Query | Transaction,
  { kind, name, version }: VersionName,
): Promise<Pick<LoggedVersionsTable, 'value' | 'value_hash'> | undefined> {
  return reader
    .selectFrom('logged_versions')
    .select(['value', 'value_hash'])
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst();
}

/**
 * The `limit` versions that wait longest, and what is staged of the same names before them: one name's must not overtake
 * each other where the clocks of replicas differ. Lower versions first.
 */
export async function stagedVersions(query: Query, limit: number): Promise<StagedVersion[]> {
  const longest = await staged(query).orderBy('staged_id').limit(limit).execute();
  const later = longest.filter(({ version }) => version > 0);
  const known = new Set(longest.map(({ staged_id }) => staged_id));
  const earlier = (await stagedOf(query, later)).filter(({ staged_id }) => !known.has(staged_id));
  return [...longest, ...earlier].sort(
    (one, other) => one.version - other.version || (one.staged_id < other.staged_id ? -1 : 1),
  );
}

function staged(query: Query) {
  return query
    .selectFrom('logged_versions')
    .select(['staged_id', 'kind', 'name', 'version', 'commitment'])
    .where('position', 'is', null);
}

/** What is staged of the names of these versions, up to the highest of each. */
async function stagedOf(query: Query, versions: readonly StagedVersion[]): Promise<StagedVersion[]> {
  if (versions.length === 0) return [];
  const highest = new Map<string, number>();
  const keyOf = ({ kind, name }: VersionName) => `${kind} ${name}`;
  for (const each of versions) {
    highest.set(keyOf(each), Math.max(each.version, highest.get(keyOf(each)) ?? 0));
  }
  const rows = await staged(query)
    .where('kind', 'in', [...new Set(versions.map(({ kind }) => kind))])
    .where('name', 'in', [...new Set(versions.map(({ name }) => name))])
    .execute();
  return rows.filter((row) => row.version <= (highest.get(keyOf(row)) ?? -1));
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

/**
 * The commitment of a version that was staged before there were any. The value is read here, and not with the others:
 * there are none of these but right after an upgrade.
 */
export async function commitToEarlier(query: Query, staged: StagedVersion): Promise<Commitment> {
  const { kind, name, version } = staged;
  const { value } = await query
    .selectFrom('logged_versions')
    .select('value')
    .where('staged_id', '=', staged.staged_id)
    .executeTakeFirstOrThrow();
  return commitTo({ kind, name, version, value });
}

/** Throws `conflict` where it has a commitment by now. */
export async function storeCommitment(
  tx: Transaction,
  stagedId: string,
  { opening, commitment }: Commitment,
): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('logged_versions')
    .set({ opening, commitment })
    .where('staged_id', '=', stagedId)
    .where('commitment', 'is', null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new CountersignError('conflict', 'the version has its commitment already');
}

/** Gives staged rows their places. Throws `conflict` for one that has one already. */
export async function storePlaces(tx: Transaction, placed: readonly PlacedVersion[]): Promise<void> {
  const rows = placed.map((row) => ({
    ...{ ...row, value: NO_VALUE, value_hash: '', opening: null, commitment: null, earlier: 0 },
  }));
  // one statement for many rows, in the form that both databases have: each of them is there, and conflicts
  for (const part of inStatements(rows)) {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('logged_versions')
      .values(part)
      .onConflict((conflict) =>
        conflict
          .column('staged_id')
          .doUpdateSet(({ ref }) => ({ position: ref('excluded.position'), epoch: ref('excluded.epoch') }))
          .where('logged_versions.position', 'is', null),
      )
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows !== BigInt(part.length)) {
      throw new CountersignError('conflict', 'another sequencer placed a version');
    }
  }
}

const NO_VALUE = new Uint8Array();

/** A version of which a recovery found the place and nothing else: as one that was forgotten. */
export async function insertLostVersion(
  tx: Transaction,
  lost: VersionName & { readonly commitment: Uint8Array; readonly position: number; readonly epoch: number },
): Promise<void> {
  const { kind, name, version, commitment, position, epoch } = lost;
  await tx
    .insertInto('logged_versions')
    .values({
      ...{ staged_id: newId(), kind, name, version, commitment, position, epoch },
      ...{ value: NO_VALUE, value_hash: '', opening: null, earlier: 0 },
    })
    .execute();
}

/** Takes back what is staged of a name from a version on: part of a recovery, in which the log has others there. */
export async function deleteStagedFrom(tx: Transaction, { kind, name, version }: VersionName): Promise<void> {
  await tx
    .deleteFrom('logged_versions')
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('version', '>=', version)
    .where('position', 'is', null)
    .execute();
}

/** A name with the number of its newest version that has a place in the log; −1 where none has. */
export type PlacedName = Pick<VersionName, 'kind' | 'name'> & { readonly placed: number };

/** Every name that was ever logged or staged here. */
export async function placedNames(query: Query): Promise<PlacedName[]> {
  const versions = query
    .selectFrom('logged_versions')
    .select(({ fn }) => ['kind', 'name', fn.max('version').as('placed')]);
  const placed = await versions.where('position', 'is not', null).groupBy(['kind', 'name']).execute();
  const known = new Set(placed.map(({ kind, name }) => `${kind} ${name}`));
  const begun = (await allStagedVersions(query)).filter(
    ({ kind, name, version }) => version === 0 && !known.has(`${kind} ${name}`),
  );
  return [...placed, ...begun.map(({ kind, name }) => ({ kind, name, placed: -1 }))];
}

/** All that is staged. */
export async function allStagedVersions(query: Query): Promise<StagedVersion[]> {
  return staged(query).orderBy('version').execute();
}

/**
 * Forgets what was logged under a name, or some versions of it: values, openings and, with the newest version, proofs. The
 * entries and the numbers of the versions stay, so the log stays whole and the name's next version follows on; nobody can
 * find out any more what was committed to.
 */
export async function forgetVersions(
  tx: Transaction,
  kind: LoggedKind,
  name: string,
  versions?: readonly number[],
): Promise<void> {
  for (const part of versions === undefined ? [undefined] : inStatements(versions)) {
    await forgetSome(tx, kind, name, part);
  }
  const newest = await newestVersion(tx, kind, name);
  // the proofs of an older version are rungs of the newest one's ladder, which may be somebody else's
  if (newest?.value_hash !== '') return;
  await tx.deleteFrom('vrf_proofs').where('kind', '=', kind).where('name', '=', name).execute();
}

async function forgetSome(
  tx: Transaction,
  kind: LoggedKind,
  name: string,
  versions: readonly number[] | undefined,
): Promise<void> {
  const updated = tx.updateTable('logged_versions').where('kind', '=', kind).where('name', '=', name);
  const forgotten = versions === undefined ? updated : updated.where('version', 'in', versions);
  await forgotten.set({ opening: null, value: NO_VALUE, value_hash: '' }).execute();
  const uncommitted = await tx
    .selectFrom('logged_versions')
    .select('staged_id')
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('value_hash', '=', '')
    .where('commitment', 'is', null)
    .execute();
  for (const { staged_id } of uncommitted) {
    // it still gets its entry, whose commitment opens to nothing
    const commitment = new Uint8Array(randomBytes(32));
    await tx.updateTable('logged_versions').set({ commitment }).where('staged_id', '=', staged_id).execute();
  }
}
