import { encodeBase64url } from '../../../protocol/base64url.ts';
import type { Checkpoint } from '../../../protocol/tlog/checkpoint.ts';
import { LogViolation } from './finding.ts';
import type { LogSource } from './log-source.ts';
import { readForeignTree, refuseRewritten } from './read-tree.ts';
import type { Replica } from './replica.ts';
import { treeRoot } from './signed-tree.ts';
import type { SignedCheckpoint } from './state-record.ts';

/** Throws `LogViolation` where the log goes back on what it has signed before: `kept` is the checkpoint as it is kept. */
export async function assertNoStepBack(
  { source, replica }: { readonly source: LogSource; readonly replica: Replica },
  target: Checkpoint,
  kept: SignedCheckpoint,
  seen: SignedCheckpoint | null,
): Promise<void> {
  if (seen === null || target.size > seen.size) return;
  if (target.size === seen.size) {
    if (kept.root === seen.root) return;
    throw new LogViolation({
      ...{ code: 'split_view', index: null },
      ...{ expected: `the root ${seen.root} at size ${seen.size}`, found: `the root ${kept.root}` },
    });
  }
  const comparable = target.size <= replica.size;
  if (comparable && encodeBase64url(treeRoot(await replica.at(target.size))) !== kept.root) {
    await refuseRewritten(source, await readForeignTree(source, target), replica);
  }
  throw new LogViolation({
    ...{ code: 'rolled_back', index: null },
    ...{ expected: `${seen.size} entries or more`, found: `${target.size} entries` },
  });
}

/** Throws `LogViolation` unless a checkpoint that was seen, but never replayed, lies within what was replayed now. */
export async function assertContains(replica: Replica, seen: SignedCheckpoint | null): Promise<void> {
  if (seen === null || encodeBase64url(treeRoot(await replica.at(seen.size))) === seen.root) return;
  throw new LogViolation({
    ...{ code: 'history_rewritten', index: null },
    ...{ expected: `the root ${seen.root} at size ${seen.size}`, found: 'a tree that does not contain it' },
  });
}
