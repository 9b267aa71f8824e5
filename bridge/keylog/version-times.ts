import type { Query } from '../storage/database.ts';
import type { LoggedKind } from './key-log.ts';

/** When a version came into the log. */
export interface VersionTimes {
  readonly version: number;
  /** Made in the transaction that staged it: a UUIDv7, which says when. */
  readonly staged_id: string;
  /** When the epoch closed that has it, ms; null while it is staged. */
  readonly time_ms: number | null;
}

/** The times of versions `from` to below `to` of one name. Versions that were never staged are absent. */
export async function versionTimes(
  query: Query,
  { kind, name }: { readonly kind: LoggedKind; readonly name: string },
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Map<number, VersionTimes>> {
  const rows = await query
    .selectFrom('logged_versions')
    .leftJoin('log_epochs', 'log_epochs.epoch', 'logged_versions.epoch')
    .select(['logged_versions.version', 'logged_versions.staged_id', 'log_epochs.time_ms'])
    .where('logged_versions.kind', '=', kind)
    .where('logged_versions.name', '=', name)
    .where('logged_versions.version', '>=', from)
    .where('logged_versions.version', '<', to)
    .execute();
  return new Map(rows.map((row) => [row.version, row]));
}
