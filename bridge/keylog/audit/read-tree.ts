import { equalBytes } from '../../../protocol/bytes.ts';
import type { Checkpoint } from '../../../protocol/tlog/checkpoint.ts';
import { TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import { hashEntries, subtreeRoot } from './bundle-hashes.ts';
import { DIGEST } from './fast-hash.ts';
import { LogViolation } from './finding.ts';
import type { LogSource } from './log-source.ts';
import type { Replica } from './replica.ts';
import { type BundledTree, hashAt, treeRoot } from './signed-tree.ts';

/** A tree of which the log signed the root, and whose hashes were found to make up that root. */
export type SignedTree = BundledTree & { readonly root: Uint8Array };

/**
 * Reads the hashes of a signed tree, from its tiles of level 1 (one hash for each full bundle) and the hashes behind
 * the last of them. What our own copy has is not fetched: if the root comes out right, the tree begins with our copy.
 *
 * Throws `LogViolation`: `history_rewritten` with the first entry that is another than ours, `tiles_wrong` when the
 * log's own tiles do not make up the root either.
 */
export async function readSignedTree(
  source: LogSource,
  target: Checkpoint,
  replica: Replica,
): Promise<SignedTree> {
  const known = Math.floor(Math.min(replica.size, target.size) / TILE_WIDTH);
  const tree = await fetchTree(source, target.size, replica.bundleRoots.subarray(0, known * DIGEST));
  if (equalBytes(treeRoot(tree), target.root)) return { ...tree, root: target.root };
  const theirs = await readForeignTree(source, target);
  return await refuseRewritten(source, theirs, replica);
}

/** The tree as the log's own tiles have it, whatever we have. Throws `LogViolation` (`tiles_wrong`). */
export async function readForeignTree(source: LogSource, target: Checkpoint): Promise<SignedTree> {
  const tree = await fetchTree(source, target.size, new Uint8Array());
  const root = treeRoot(tree);
  if (equalBytes(root, target.root)) return { ...tree, root };
  const [expected, found] = [`the root ${hex(target.root)}`, `tiles of the root ${hex(root)}`];
  throw new LogViolation({ code: 'tiles_wrong', index: null, expected, found });
}

/**
 * Says which entry of a signed tree is another than in our copy; the tree and the copy are known to differ within the
 * smaller of them.
 */
export async function refuseRewritten(
  source: LogSource,
  theirs: SignedTree,
  replica: Replica,
): Promise<never> {
  const shared = Math.min(theirs.size, replica.size);
  const bundle = firstDifferentBundle(theirs, replica, shared);
  const width = Math.min(TILE_WIDTH, theirs.size - bundle * TILE_WIDTH);
  const served = width === 0 ? [] : await readBundle(source, theirs, bundle);
  const ours = await replica.entriesOf(bundle);
  const place = ours.findIndex((entry, at) => {
    const other = served[at];
    return bundle * TILE_WIDTH + at < shared && (other === undefined || !equalBytes(entry, other));
  });
  const [expected, found] = [ours[place], served[place]];
  if (expected === undefined || found === undefined) {
    throw new LogViolation({
      ...{ code: 'history_rewritten', index: null },
      ...{ expected: 'the entries that were signed before', found: 'a tree of other ones' },
    });
  }
  return refuseChanged(bundle * TILE_WIDTH + place, expected, found);
}

/** An entry that stood in a signed tree is another one now. */
export function refuseChanged(index: number, ours: Uint8Array, theirs: Uint8Array): never {
  const finding = { index, expected: `the entry ${hex(ours)}`, found: `the entry ${hex(theirs)}` };
  throw new LogViolation({ code: 'history_rewritten', ...finding }, [index]);
}

/**
 * The entries of a bundle, which are those of the signed tree. Throws `LogViolation`: `entries_differ`, with the first
 * that is not.
 */
export async function readBundle(source: LogSource, tree: SignedTree, bundle: number): Promise<Uint8Array[]> {
  const width = Math.min(TILE_WIDTH, tree.size - bundle * TILE_WIDTH);
  const entries = await source.entries(bundle, width);
  const leaves = hashEntries(entries);
  if (isBundleOf(tree, bundle, leaves)) return entries;
  const signed = width === TILE_WIDTH ? await source.hashes(0, bundle, width) : tree.edge;
  const place = entries.findIndex((_, at) => !equalBytes(hashAt(leaves, at), hashAt(signed, at)));
  const known = place >= 0 && isBundleOf(tree, bundle, signed);
  throw new LogViolation({
    code: 'entries_differ',
    index: known ? bundle * TILE_WIDTH + place : null,
    expected: known ? `an entry of the hash ${hex(hashAt(signed, place))}` : `the signed bundle ${bundle}`,
    found: known ? `one of the hash ${hex(hashAt(leaves, place))}` : 'a bundle of another hash',
  });
}

/** Whether these are the hashes of a bundle's leaves in the tree. */
export function isBundleOf(tree: BundledTree, bundle: number, leaves: Uint8Array): boolean {
  const full = Math.floor(tree.size / TILE_WIDTH);
  if (bundle === full) return equalBytes(leaves, tree.edge);
  return equalBytes(subtreeRoot(leaves), hashAt(tree.bundleRoots, bundle));
}

async function fetchTree(source: LogSource, size: number, known: Uint8Array): Promise<BundledTree> {
  const full = Math.floor(size / TILE_WIDTH);
  const bundleRoots = Buffer.alloc(full * DIGEST);
  const had = known.length / DIGEST;
  const first = had === full ? full : Math.floor(had / TILE_WIDTH);
  for (let tile = first; tile * TILE_WIDTH < full; tile++) {
    const width = Math.min(TILE_WIDTH, full - tile * TILE_WIDTH);
    bundleRoots.set(await source.hashes(1, tile, width), tile * TILE_WIDTH * DIGEST);
  }
  bundleRoots.set(known);
  const rest = size % TILE_WIDTH;
  return { size, bundleRoots, edge: rest === 0 ? new Uint8Array() : await source.hashes(0, full, rest) };
}

function firstDifferentBundle(theirs: BundledTree, replica: Replica, shared: number): number {
  const full = Math.floor(shared / TILE_WIDTH);
  for (let bundle = 0; bundle < full; bundle++) {
    if (!equalBytes(hashAt(theirs.bundleRoots, bundle), hashAt(replica.bundleRoots, bundle))) return bundle;
  }
  return full;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
