import { EPOCH_ENOUGH_VERSIONS } from '../lib/limits.ts';
import type { StagedVersion } from './version-store.ts';

/**
 * Of many staged versions the half that waits longest, in the order of the rows. By age, since new names come all the
 * time, and a rotation or a revocation must not wait until none does. Earlier versions of a name that is among them go
 * too: they must not be overtaken.
 */
export function longestWaiting(rows: readonly StagedVersion[]): readonly StagedVersion[] {
  const count = Math.max(EPOCH_ENOUGH_VERSIONS, Math.ceil(rows.length / 2));
  if (rows.length <= count) return rows;
  const byAge = [...rows].sort((a, b) => (a.staged_id < b.staged_id ? -1 : 1));
  const newest = new Map<string, number>();
  for (const row of byAge.slice(0, count)) {
    newest.set(nameOf(row), Math.max(row.version, newest.get(nameOf(row)) ?? 0));
  }
  return rows.filter((row) => row.version <= (newest.get(nameOf(row)) ?? -1));
}

function nameOf({ kind, name }: StagedVersion): string {
  return `${kind} ${name}`;
}
