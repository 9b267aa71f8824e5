import { equalBytes } from '../../../protocol/bytes.ts';
import { TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import { AUDIT_FETCHES } from '../../lib/limits.ts';
import { hashEntries } from './bundle-hashes.ts';
import { DIGEST } from './fast-hash.ts';
import { LogViolation } from './finding.ts';
import type { LogSource } from './log-source.ts';
import { readBundle, refuseChanged, type SignedTree } from './read-tree.ts';
import type { Replica } from './replica.ts';
import { hashAt } from './signed-tree.ts';

/**
 * Brings our copy up to a signed tree: every entry behind it is fetched, found to be the one that was signed, held
 * against the rules, and appended. `onBundle` runs after each bundle. Throws `LogViolation`.
 */
export async function replay(
  source: LogSource,
  tree: SignedTree,
  replica: Replica,
  onBundle: () => Promise<void>,
): Promise<void> {
  const first = Math.floor(replica.size / TILE_WIDTH);
  const end = Math.ceil(tree.size / TILE_WIDTH);
  for await (const { bundle, entries } of bundlesAhead(source, tree, first, end)) {
    const had = replica.size - bundle * TILE_WIDTH;
    const leaves = hashEntries(entries);
    if (!equalBytes(leaves.subarray(0, had * DIGEST), replica.edge)) {
      await refuseRewrittenEdge(replica, bundle, entries, leaves);
    }
    await replica.append(entries.slice(had), leaves.subarray(had * DIGEST));
    await onBundle();
  }
  if (tree.size > 0 && replica.rules.atEpochEnd) return;
  throw new LogViolation(
    {
      ...{ code: 'not_at_epoch_end', index: tree.size > 0 ? tree.size - 1 : null },
      ...{
        expected: 'a checkpoint whose last entry closes an epoch',
        found: `the size ${tree.size}, which does not`,
      },
    },
    tree.size > 0 ? [tree.size - 1] : [],
  );
}

/** The bundles in their order, some of them under way ahead of the one that is worked on. */
async function* bundlesAhead(source: LogSource, tree: SignedTree, first: number, end: number) {
  const underWay: Promise<Uint8Array[]>[] = [];
  let next = first;
  for (let bundle = first; bundle < end; bundle++) {
    for (; next < end && next - bundle < AUDIT_FETCHES; next++) {
      const asked = readBundle(source, tree, next);
      // Looked at in its turn; until then a failure must not count as one that nobody handles.
      asked.catch(() => {});
      underWay.push(asked);
    }
    const entries = await underWay.shift();
    if (entries !== undefined) yield { bundle, entries };
  }
}

/** The bundle that we have the beginning of begins with something else now. */
async function refuseRewrittenEdge(
  replica: Replica,
  bundle: number,
  entries: readonly Uint8Array[],
  leaves: Uint8Array,
): Promise<void> {
  const ours = await replica.entriesOf(bundle);
  for (const [place, entry] of ours.entries()) {
    const theirs = entries[place];
    if (theirs === undefined || equalBytes(hashAt(leaves, place), hashAt(replica.edge, place))) continue;
    refuseChanged(bundle * TILE_WIDTH + place, entry, theirs);
  }
}
