import type { LoggedVersion } from '../keylog/key-log.ts';
import { newestVersion } from '../keylog/version-store.ts';
import type { Transaction } from '../storage/database.ts';

/** A record as the key log names it: records count their versions from 1, the log from 0, where its ladders begin. */
export function loggedRecord(
  entityId: string,
  version: number,
): Pick<LoggedVersion, 'kind' | 'name' | 'version'> {
  return { kind: 'trust-change', name: entityId, version: version - 1 };
}

/** The version of the newest record of an entity that the log has; 0 where it has none. */
export async function newestLoggedRecord(tx: Transaction, entityId: string): Promise<number> {
  const newest = await newestVersion(tx, 'trust-change', entityId);
  return newest === undefined ? 0 : newest.version + 1;
}
