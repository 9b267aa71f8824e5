import { verifyOnlineKeys } from '../protocol/online-keys.ts';
import { logOrigin } from '../protocol/tlog/checkpoint.ts';
import { logVerifierKeys } from '../protocol/tlog/log-keys.ts';
import { compareCheckpoints, type SplitView } from '../protocol/tlog/split-view.ts';
import { type ReadLogFile, readBeginning } from './log-tiles.ts';

/** Whose log it is: `onlineKeys` (`online-keys+jwt`) must verify as expected. */
export interface ComparedIssuer {
  readonly onlineKeys: string;
  readonly expected: { readonly iss: string; readonly rootThumbprint: string };
  /** Seconds. */
  readonly now: number;
}

/**
 * Evidence that two checkpoints of an issuer's log contradict each other, or null where the larger one continues the
 * smaller. Where the sizes differ the log's tiles are read. Throws what `compareCheckpoints` and `read` throw.
 */
export async function proveSplit(
  notes: readonly [string, string],
  { onlineKeys, expected, now }: ComparedIssuer,
  read: ReadLogFile = async () => null,
): Promise<SplitView | null> {
  const logKeys = logVerifierKeys(await verifyOnlineKeys(onlineKeys, expected, now));
  const log = { origin: logOrigin(expected.iss), logKeys, onlineKeys };
  return compareCheckpoints(notes, log, (older, newer) => readBeginning(read, older.size, newer.size));
}
