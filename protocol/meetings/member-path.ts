import { decodeBase64url } from '../base64url.ts';
import { CountersignError } from '../errors.ts';
import type { Rekey } from './rekey-message.ts';
import { deriveKey, unwrapKey } from './tree-keys.ts';
import { ancestorOf, levelOf, parentOf, rootOf, type TreeNode } from './tree-shape.ts';
import { decodeWraps } from './wrap-list.ts';

/** What a member has of the tree: the keys from its leaf (first) to the root. */
export interface MemberPath {
  readonly leaf: number;
  readonly keys: readonly Uint8Array[];
}

/** The node of the path that was looked at last. */
interface Below {
  readonly node: TreeNode;
  readonly key: Uint8Array;
  readonly isFresh: boolean;
}

/**
 * The path after a message that leaves the member in its place; tree-change.ts is the host's side. Throws
 * `rekey_mismatch` where a key that it needs is not there, or does not open.
 */
export async function followRekey({ leaf, keys }: MemberPath, claims: Rekey): Promise<MemberPath> {
  const wraps = decodeWraps(claims.wraps === null ? new Uint8Array() : decodeBase64url(claims.wraps));
  const [leafKey] = keys;
  if (leafKey === undefined) throw new CountersignError('internal', 'a path without a leaf');
  let below: Below = { node: ancestorOf(leaf, 0), key: leafKey, isFresh: false };
  const after = [leafKey];
  for (let level = 1; level <= claims.levels; level += 1) {
    below = await nextAbove(below, keys[level], claims, wraps);
    after.push(below.key);
  }
  return { leaf, keys: after };
}

/** The epoch's key, by the path after its message. Throws `rekey_mismatch`. */
export async function openEpochKey({ keys }: MemberPath, claims: Rekey): Promise<Uint8Array> {
  const root = keys.at(-1);
  if (root === undefined || claims.epoch_key === null) {
    throw new CountersignError('rekey_mismatch', 'the message has no key for those with a place');
  }
  const wrapping = deriveKey(root, 'epoch', rootOf(claims.levels), claims);
  return unwrapKey(wrapping, decodeBase64url(claims.epoch_key));
}

async function nextAbove(
  below: Below,
  old: Uint8Array | undefined,
  claims: Rekey,
  wraps: ReadonlyMap<TreeNode, Uint8Array>,
): Promise<Below> {
  const node = parentOf(below.node);
  const isBelow = (leaf: number) => ancestorOf(leaf, levelOf(node)) === node;
  if (old === undefined || claims.change.left.some(isBelow)) {
    return { node, key: await freshKey(node, below, claims, wraps), isFresh: true };
  }
  const hasNewcomers = claims.change.joined.some(({ leaf }) => isBelow(leaf));
  const key = hasNewcomers ? deriveKey(old, 'advance', node, claims) : old;
  return { node, key, isFresh: false };
}

async function freshKey(
  node: TreeNode,
  below: Below,
  claims: Rekey,
  wraps: ReadonlyMap<TreeNode, Uint8Array>,
): Promise<Uint8Array> {
  const wrapped = wraps.get(below.node);
  if (wrapped !== undefined) return unwrapKey(deriveKey(below.key, 'wrap', below.node, claims), wrapped);
  if (below.isFresh) return deriveKey(below.key, 'parent', node, claims);
  throw new CountersignError('rekey_mismatch', 'a wrap for this member is missing');
}
