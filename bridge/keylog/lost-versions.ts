import { labelled } from '../../protocol/canonical-json.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { Transaction } from '../storage/database.ts';
import type { LoggedKind } from './key-log.ts';
import { deleteLostEntry, type LostEntry } from './lost-entry-store.ts';
import type { VersionName } from './rungs.ts';
import { deleteStagedFrom, insertLostVersion, insertVersion } from './version-store.ts';

/**
 * Versions of one name that the log has and the store does not: a recovery brought their entries back, and what they said
 * is lost. They follow each other.
 */
export interface LostRun {
  readonly kind: LoggedKind;
  readonly name: string;
  /** The number of the first. */
  readonly from: number;
  /** At least one. */
  readonly entries: readonly LostEntry[];
}

/** The version that was put behind them, which says that they are lost. */
export interface LostMarker extends VersionName {
  /** SHA-256 of what the log commits to as it, base64url: what the next version continues. */
  readonly hash: string;
}

/**
 * The versions of a name from one number on, as far as the log has them: its VRF tells where in the map they stand. The
 * counters of names go on behind these. Answers nothing where the first is not there.
 */
export async function findLostRun(
  { kind, name, version: from }: VersionName,
  outputOf: (version: VersionName) => Promise<Uint8Array>,
  entryAt: (output: Uint8Array) => Promise<Omit<LostEntry, 'output'> | undefined>,
): Promise<LostRun | undefined> {
  const entries: LostEntry[] = [];
  for (let version = from; ; version++) {
    const output = await outputOf({ kind, name, version });
    const entry = await entryAt(output);
    if (entry === undefined) return entries.length === 0 ? undefined : { kind, name, from, entries };
    entries.push({ ...entry, output });
  }
}

/**
 * Keeps what is known of lost versions, their number and place, and stages the next version of the name behind them: it
 * commits to the statement that they are lost. So nobody who has seen one of them is ever shown something else in the
 * place right behind it, and whatever the name stands for begins anew.
 *
 * Throws `conflict` when somebody else did the same just now.
 */
export async function recordLostRun(
  tx: Transaction,
  { kind, name, from, entries }: LostRun,
  { issuer, now }: { readonly issuer: string; readonly now: number },
): Promise<LostMarker> {
  // what the restored store was about to log came into the log as something else
  await deleteStagedFrom(tx, { kind, name, version: from });
  for (const [place, { output, ...entry }] of entries.entries()) {
    if (!(await deleteLostEntry(tx, output))) {
      throw new CountersignError(
        'conflict',
        'The lost versions of this name were found by somebody else just now.',
      );
    }
    await insertLostVersion(tx, { ...entry, kind, name, version: from + place });
  }
  const to = from + entries.length - 1;
  const version = to + 1;
  const value = labelled('lost-versions', { iss: issuer, kind, name, version, from, to, at: now });
  await insertVersion(tx, { kind, name, version, value });
  return { kind, name, version, hash: sha256Base64url(value) };
}
