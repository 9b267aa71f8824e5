import { MAX_ENTRY_BYTES, TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import { DIGEST, hashInto } from './fast-hash.ts';

const LEAF = 0;
const NODE = 1;
const leafInput = Buffer.alloc(1 + MAX_ENTRY_BYTES, LEAF);
const nodeInput = Buffer.alloc(1 + 2 * DIGEST, NODE);

/** The hashes of these entries as leaves of the log (RFC 6962 section 2.1), one behind the other. */
export function hashEntries(entries: readonly Uint8Array[]): Buffer {
  const hashes = Buffer.allocUnsafe(entries.length * DIGEST);
  for (const [place, entry] of entries.entries()) {
    leafInput.set(entry, 1);
    hashInto(hashes, place * DIGEST, leafInput.subarray(0, 1 + entry.length));
  }
  return hashes;
}

/** The root of a complete subtree over `count` (a power of two) of these hashes, from `first` on. */
export function subtreeRoot(hashes: Uint8Array, first = 0, count = TILE_WIDTH): Buffer {
  const level = Buffer.from(hashes.subarray(first * DIGEST, (first + count) * DIGEST));
  for (let width = count / 2; width >= 1; width /= 2) {
    for (let place = 0; place < width; place++) {
      nodeInput.set(level.subarray(2 * place * DIGEST, (2 * place + 2) * DIGEST), 1);
      hashInto(level, place * DIGEST, nodeInput);
    }
  }
  return level.subarray(0, DIGEST);
}
