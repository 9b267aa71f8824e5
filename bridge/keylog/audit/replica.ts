import type { FileHandle } from 'node:fs/promises';
import { encodeBase64url } from '../../../protocol/base64url.ts';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { decodeEntryBundle, encodeEntryBundle, TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import { hashEntries, subtreeRoot } from './bundle-hashes.ts';
import { createEntryRules, type EntryRules } from './entry-rules.ts';
import { DIGEST } from './fast-hash.ts';
import { LogViolation } from './finding.ts';
import { type BundledTree, treeRoot } from './signed-tree.ts';
import { damagedState, orStorageFull, type StateFolder } from './state-folder.ts';

/**
 * The auditor's own copy of the log: the entries in a file, one hash for each 256 of them in memory, and the map that
 * they build. It grows only by entries that stand in a signed tree and keep every rule.
 */
export interface Replica extends BundledTree {
  readonly rules: EntryRules;
  /** Of the file. */
  readonly bytes: number;
  /**
   * Takes entries that follow, none beyond the end of the bundle that they are in; `leaves` are their hashes. Throws
   * `LogViolation`, after which the replica is of no more use. On the disk only after the folder's `save`.
   */
  append(entries: readonly Uint8Array[], leaves: Uint8Array): Promise<void>;
  /** The entries of a bundle, as far as they were appended. */
  entriesOf(bundle: number): Promise<Uint8Array[]>;
  /** The tree of the first `size` entries. */
  at(size: number): Promise<BundledTree>;
}

/**
 * Reads the copy that the last run kept, and holds all of it against the record: every rule, and the root that was
 * verified. Throws `audit_state`.
 */
export async function openReplica(
  folder: StateFolder,
  onProgress: (size: number) => void = () => {},
): Promise<Replica> {
  const { record } = folder;
  const replica = emptyReplica(folder.entries);
  const verified = record?.verified?.size ?? 0;
  try {
    await replica.load(record?.entries.size ?? 0, verified, onProgress);
  } catch (error) {
    if (!(error instanceof LogViolation) && !isCountersignError(error, 'log_proof')) throw error;
    throw damagedState(folder.path, `entry ${replica.size} of the copy is not one that was verified`, error);
  }
  if (replica.size !== (record?.entries.size ?? 0) || replica.bytes !== (record?.entries.bytes ?? 0)) {
    throw damagedState(folder.path, 'the copy of the entries has another length than the record says');
  }
  if (record?.verified && encodeBase64url(treeRoot(await replica.at(verified))) !== record.verified.root) {
    throw damagedState(folder.path, 'the entries do not make up the root that was verified');
  }
  return replica;
}

/** Read at once: a few bundles. */
const READ_BYTES = 128 * 1024;

function emptyReplica(file: FileHandle) {
  const rules = createEntryRules();
  let bundleRoots = Buffer.alloc(DIGEST * TILE_WIDTH);
  const edge = Buffer.alloc(DIGEST * TILE_WIDTH);
  /** Where in the file each bundle begins. */
  const starts: number[] = [];
  let bytes = 0;
  let size = 0;

  /** Notes entries that stand in the file from `bytes` on. */
  function note(count: number, length: number, leaves: Uint8Array): void {
    const place = size % TILE_WIDTH;
    if (place === 0) starts.push(bytes);
    edge.set(leaves, place * DIGEST);
    size += count;
    bytes += length;
    if (size % TILE_WIDTH !== 0) return;
    const full = size / TILE_WIDTH;
    if (full * DIGEST > bundleRoots.length)
      bundleRoots = Buffer.concat([bundleRoots, Buffer.alloc(bundleRoots.length)]);
    bundleRoots.set(subtreeRoot(edge), (full - 1) * DIGEST);
  }

  async function read(from: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, from);
    return buffer.subarray(0, bytesRead);
  }

  const replica = {
    rules,
    get size() {
      return size;
    },
    get bytes() {
      return bytes;
    },
    get bundleRoots(): Uint8Array {
      return bundleRoots;
    },
    get edge(): Uint8Array {
      return edge.subarray(0, (size % TILE_WIDTH) * DIGEST);
    },
    async append(entries: readonly Uint8Array[], leaves: Uint8Array) {
      for (const entry of entries) rules.take(entry);
      const block = encodeEntryBundle(entries);
      await writeAt(file, block, bytes);
      note(entries.length, block.length, leaves);
    },
    async entriesOf(bundle: number) {
      const start = starts[bundle];
      if (start === undefined) return [];
      return decodeEntryBundle(await read(start, (starts[bundle + 1] ?? bytes) - start));
    },
    async at(earlier: number): Promise<BundledTree> {
      const first = (await replica.entriesOf(Math.floor(earlier / TILE_WIDTH))).slice(
        0,
        earlier % TILE_WIDTH,
      );
      return { size: earlier, bundleRoots, edge: hashEntries(first) };
    },
    async load(wanted: number, verified: number, onProgress: (size: number) => void) {
      let block: Buffer = Buffer.alloc(0);
      let from = 0;
      while (size < wanted) {
        const count = Math.min(TILE_WIDTH - (size % TILE_WIDTH), wanted - size);
        const entries = firstEntries(block, count);
        if (entries.length === count) {
          block = takeBlock(block, entries, verified);
          onProgress(size);
          continue;
        }
        const more = await read(from, READ_BYTES);
        if (more.length === 0) return;
        from += more.length;
        block = Buffer.concat([block, more]);
      }
    },
  };

  /** Entries of the last run keep the rules; the map's root is computed where the verified part ends, and behind it. */
  function takeBlock(block: Buffer, entries: readonly Uint8Array[], verified: number): Buffer {
    for (const [place, entry] of entries.entries())
      rules.take(entry, { trusted: size + place + 1 < verified });
    const length = entries.reduce((sum, entry) => sum + 2 + entry.length, 0);
    note(entries.length, length, hashEntries(entries));
    return block.subarray(length);
  }

  return replica;
}

/** Throws `storage_full`. */
async function writeAt(file: FileHandle, block: Uint8Array, position: number): Promise<void> {
  const { bytesWritten } = await orStorageFull(file.write(block, 0, block.length, position));
  // The last bytes of a full disk are written without an error.
  if (bytesWritten < block.length) throw new CountersignError('storage_full');
}

/** Up to `count` whole entries from the beginning of a block. */
function firstEntries(block: Buffer, count: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (entries.length < count && offset + 2 <= block.length) {
    const end = offset + 2 + block.readUInt16BE(offset);
    if (end > block.length) break;
    entries.push(block.subarray(offset + 2, end));
    offset = end;
  }
  return entries;
}
