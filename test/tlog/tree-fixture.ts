import type { Database } from '../../bridge/storage/database.ts';
import { type LogHead, moveHead, takeHead } from '../../bridge/tlog/log-heads.ts';
import { appendEntries, EMPTY_LOG } from '../../bridge/tlog/log-tree.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { EMPTY_ROOT, hashLeaf, hashNode } from '../../protocol/tlog/merkle.ts';

/** Entries `from` to `to` of a log that only has these. */
export function entriesBetween(from: number, to: number): Uint8Array[] {
  return Array.from({ length: to - from }, (_, index) => utf8(`entry ${from + index}`));
}

/** Appends in one transaction, as a sequencer does. */
export function append(database: Database, entries: readonly Uint8Array[]): Promise<LogHead> {
  return database.transaction(async (tx) => {
    const head = await takeHead(tx, 'keys', EMPTY_LOG);
    const next = await appendEntries(tx, 'keys', head, entries);
    await moveHead(tx, 'keys', head, next);
    return next;
  });
}

/** RFC 6962 §2.1, word by word. */
export function naiveRoot(entries: readonly Uint8Array[]): Uint8Array {
  const [first] = entries;
  if (first === undefined) return EMPTY_ROOT;
  if (entries.length === 1) return hashLeaf(first);
  let left = 1;
  while (left * 2 < entries.length) left *= 2;
  return hashNode(naiveRoot(entries.slice(0, left)), naiveRoot(entries.slice(left)));
}
