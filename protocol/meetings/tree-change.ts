import { type Derivation, deriveKey, randomKey, wrapKey } from './tree-keys.ts';
import { childrenOf, levelOf, nodeAt, nodesAbove, rootOf, type TreeNode } from './tree-shape.ts';
import type { Wrap } from './wrap-list.ts';

/** Who joins and leaves in one message, by leaf; a leaf may stand in both. */
export interface LeafChange {
  readonly left: readonly number[];
  readonly joined: readonly number[];
  /** Before and after; never fewer after. */
  readonly oldLevels: number;
  readonly levels: number;
}

/** The keys of nodes that a change makes; null for a node that nobody is below any more. */
export type ChangedKeys = ReadonlyMap<TreeNode, Uint8Array | null>;

export interface TreeChange {
  readonly keys: ChangedKeys;
  readonly wraps: readonly Wrap[];
}

/** A wrap that is still to be encrypted. */
interface PlannedWrap {
  readonly child: TreeNode;
  readonly wrapping: Uint8Array;
  readonly key: Uint8Array;
}

/**
 * The keys after a change (RFC 2627 §5.4), leaving `before` as it is. By node, from the leaves up:
 * - nobody below it was there before: a random key, which newcomers get with their place;
 * - somebody below it left, or the tree has grown to it: a fresh key. The first child that is fresh too derives it from
 *   its own (Canetti et al., INFOCOM 1999, which halves the wraps); each other one with people who stay gets a wrap;
 * - people only joined below it: the one-way next of its key, which those who have it compute themselves. Newcomers
 *   get the new one, so nothing that they have ever wrapped anything before.
 */
export async function changeTree(
  before: ReadonlyMap<TreeNode, Uint8Array>,
  change: LeafChange,
  derivation: Derivation,
): Promise<TreeChange> {
  const draft = new TreeDraft(before, change, derivation);
  const wraps = await Promise.all(
    draft.planned.map(async ({ child, wrapping, key }) => ({ child, wrapped: await wrapKey(wrapping, key) })),
  );
  return { keys: draft.changed, wraps: wraps.sort((a, b) => a.child - b.child) };
}

class TreeDraft {
  readonly changed = new Map<TreeNode, Uint8Array | null>();
  readonly planned: PlannedWrap[] = [];
  readonly #before: ReadonlyMap<TreeNode, Uint8Array>;
  readonly #derivation: Derivation;
  /** Changed nodes below which somebody stays. */
  readonly #staying = new Set<TreeNode>();
  readonly #fresh = new Set<TreeNode>();
  readonly #oldLevels: number;
  readonly #aboveLeft: ReadonlySet<TreeNode>;

  constructor(before: ReadonlyMap<TreeNode, Uint8Array>, change: LeafChange, derivation: Derivation) {
    this.#before = before;
    this.#derivation = derivation;
    this.#oldLevels = change.oldLevels;
    this.#aboveLeft = nodesAbove(change.left, change.levels);
    for (const leaf of change.left) this.changed.set(leaf, null);
    for (const leaf of change.joined) this.changed.set(leaf, randomKey());
    for (const node of touchedNodes(before, change)) this.#renew(node);
  }

  #renew(node: TreeNode): void {
    const children = childrenOf(node);
    const staying = children.filter((child) => this.#stays(child));
    if (staying.length === 0) {
      const isEmpty = children.every((child) => this.#keyAfter(child) === undefined);
      this.changed.set(node, isEmpty ? null : randomKey());
      return;
    }
    this.#staying.add(node);
    const old = this.#before.get(node);
    const isFresh = this.#aboveLeft.has(node) || levelOf(node) > this.#oldLevels || old === undefined;
    if (isFresh) this.#refresh(node, staying);
    else this.changed.set(node, deriveKey(old, 'advance', node, this.#derivation));
  }

  #refresh(node: TreeNode, staying: readonly TreeNode[]): void {
    const source = staying.find((child) => this.#fresh.has(child));
    const sourceKey = source === undefined ? undefined : this.#keyAfter(source);
    const key =
      sourceKey === undefined ? randomKey() : deriveKey(sourceKey, 'parent', node, this.#derivation);
    this.changed.set(node, key);
    this.#fresh.add(node);
    for (const child of staying) {
      const under = this.#keyAfter(child);
      if (child === source || under === undefined) continue;
      this.planned.push({ child, wrapping: deriveKey(under, 'wrap', child, this.#derivation), key });
    }
  }

  #stays(node: TreeNode): boolean {
    return this.changed.has(node) ? this.#staying.has(node) : this.#before.has(node);
  }

  #keyAfter(node: TreeNode): Uint8Array | undefined {
    const changed = this.changed.get(node);
    return changed === undefined ? this.#before.get(node) : (changed ?? undefined);
  }
}

/** Children before parents. A tree that grows has new nodes above its old root, whoever joins. */
function touchedNodes(before: ReadonlyMap<TreeNode, Uint8Array>, change: LeafChange): TreeNode[] {
  const { left, joined, oldLevels, levels } = change;
  const nodes = nodesAbove([...left, ...joined], levels);
  if (before.has(rootOf(oldLevels))) {
    for (let level = oldLevels + 1; level <= levels; level += 1) nodes.add(nodeAt(level, 0));
  }
  return [...nodes].sort((a, b) => a - b);
}
