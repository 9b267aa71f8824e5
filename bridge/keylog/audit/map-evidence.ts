import * as z from 'zod';
import { equalBytes } from '../../../protocol/bytes.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import {
  EMPTY_NODE,
  hashPrefixLeaf,
  hashPrefixParent,
  outputBit,
  type PrefixLeaf,
} from '../../../protocol/keytrans/prefix-tree.ts';
import { decodeBase64, encodeBase64 } from '../../../protocol/tlog/base64.ts';

/**
 * The part of the map, as it was before an epoch, that the epoch's new leaves touch: null where there is nothing, a
 * leaf, two children, or the hash of a part that stays as it is. Bytes are base64. From it anybody computes the root
 * before, and the root that the new leaves must lead to.
 */
export type MapPart =
  | null
  | string
  | { readonly output: string; readonly commitment: string }
  | readonly [MapPart, MapPart];

export const mapPartSchema: z.ZodType<MapPart> = z.union([
  z.null(),
  z.string(),
  z.strictObject({ output: z.string(), commitment: z.string() }),
  z.tuple([z.lazy(() => mapPartSchema), z.lazy(() => mapPartSchema)]),
]);

const DEEPEST = 255;

/** @param leaves - of the map before the epoch */
export function touchedMap(leaves: readonly PrefixLeaf[], added: readonly PrefixLeaf[], depth = 0): MapPart {
  const [first, second] = leaves;
  if (first === undefined) return null;
  if (added.length === 0) return encodeBase64(rootOfLeaves(leaves, depth));
  if (second === undefined) {
    return { output: encodeBase64(first.output), commitment: encodeBase64(first.commitment) };
  }
  const [left, right] = divided(leaves, depth);
  const [addedLeft, addedRight] = divided(added, depth);
  return [touchedMap(left, addedLeft, depth + 1), touchedMap(right, addedRight, depth + 1)];
}

/**
 * The root of a map once `added` are in it, from the part that they touch: without any, the root before. Throws
 * `audit_evidence` when the part does not show what they touch.
 */
export function rootWith(part: MapPart, added: readonly PrefixLeaf[], depth = 0): Uint8Array {
  if (part === null) return rootOfLeaves(added, depth);
  if (typeof part === 'string') {
    if (added.length > 0) refuse();
    return bytes32(part);
  }
  if ('output' in part) {
    const leaf = { output: bytes32(part.output), commitment: bytes32(part.commitment) };
    return rootOfLeaves([leaf, ...added], depth);
  }
  if (depth > DEEPEST) return refuse();
  const [left, right] = divided(added, depth);
  return hashPrefixParent(rootWith(part[0], left, depth + 1), rootWith(part[1], right, depth + 1));
}

function rootOfLeaves(leaves: readonly PrefixLeaf[], depth: number): Uint8Array {
  const [first, second] = leaves;
  if (first === undefined) return EMPTY_NODE;
  if (second === undefined) return hashPrefixLeaf(first.output, first.commitment);
  if (depth > DEEPEST || leaves.some(({ output }) => output.length !== first.output.length)) return refuse();
  const [left, right] = divided(leaves, depth);
  return hashPrefixParent(rootOfLeaves(left, depth + 1), rootOfLeaves(right, depth + 1));
}

function divided(leaves: readonly PrefixLeaf[], depth: number): [PrefixLeaf[], PrefixLeaf[]] {
  const left: PrefixLeaf[] = [];
  const right: PrefixLeaf[] = [];
  for (const leaf of leaves) (outputBit(leaf.output, depth) === 0 ? left : right).push(leaf);
  return [left, right];
}

/** Whether the part is of the map with the root `before`, and leads to another root than `claimed`. */
export function refutesRoot(
  part: MapPart,
  added: readonly PrefixLeaf[],
  { before, claimed }: { before: Uint8Array; claimed: Uint8Array },
): boolean {
  return equalBytes(rootWith(part, []), before) && !equalBytes(rootWith(part, added), claimed);
}

function bytes32(text: string): Uint8Array {
  return decodeBase64(text, 32) ?? refuse();
}

function refuse(): never {
  throw new CountersignError('audit_evidence', 'The part of the map does not hold together.');
}
