import type { LoggedVersion } from '../keylog/key-log.ts';

/** A record as the key log names it: records count their versions from 1, the log from 0, where its ladders begin. */
export function loggedRecord(
  entityId: string,
  version: number,
): Pick<LoggedVersion, 'kind' | 'name' | 'version'> {
  return { kind: 'trust-change', name: entityId, version: version - 1 };
}
