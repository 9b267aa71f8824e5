import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import type { TreeNode } from './tree-shape.ts';

/** A key of 32 bytes and the tag of AES-GCM. */
export const WRAPPED_KEY_BYTES = 48;

/** `u32` number of the child under whose key it stands ‖ the wrapped key. */
export const WRAP_BYTES = 4 + WRAPPED_KEY_BYTES;

/** The key of a node under the key of one of its children. */
export interface Wrap {
  readonly child: TreeNode;
  readonly wrapped: Uint8Array;
}

/** The wraps one behind the other, by child ascending: from the leaves to the root. */
export function encodeWraps(wraps: readonly Wrap[]): Uint8Array<ArrayBuffer> {
  return concatBytes(...wraps.flatMap(({ child, wrapped }) => [encodeNumber(child), wrapped]));
}

/** Wraps by child. Throws `rekey_mismatch` unless each is whole and stands once, in order. */
export function decodeWraps(bytes: Uint8Array): ReadonlyMap<TreeNode, Uint8Array> {
  if (bytes.length % WRAP_BYTES !== 0) throw new CountersignError('rekey_mismatch', 'a wrap is cut off');
  const wraps = new Map<TreeNode, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let before = -1;
  for (let offset = 0; offset < bytes.length; offset += WRAP_BYTES) {
    const child = view.getUint32(offset);
    if (child <= before) throw new CountersignError('rekey_mismatch', 'the wraps are not in order');
    wraps.set(child, bytes.subarray(offset + 4, offset + WRAP_BYTES));
    before = child;
  }
  return wraps;
}

function encodeNumber(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}
