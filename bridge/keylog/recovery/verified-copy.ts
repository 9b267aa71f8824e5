import { decodeBase64url, encodeBase64url } from '../../../protocol/base64url.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { type EpochEntry, parseLogEntry, type VersionEntry } from '../../../protocol/keytrans/log-entry.ts';
import { type Checkpoint, openCheckpoint } from '../../../protocol/tlog/checkpoint.ts';
import { formatSignatureLine } from '../../../protocol/tlog/signed-note.ts';
import { TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import type { VerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import type { LogHead } from '../../tlog/log-heads.ts';
import { hashEntries, subtreeRoot } from '../audit/bundle-hashes.ts';
import { createEntryRules, type EntryRules } from '../audit/entry-rules.ts';
import { DIGEST } from '../audit/fast-hash.ts';
import { LogViolation } from '../audit/finding.ts';
import { type BundledTree, proveBeginning, type TreeBeginning, treeRoot } from '../audit/signed-tree.ts';
import type { LogCopy } from './log-copy.ts';

/** What the restored store knows of its own log. */
export interface RestoredLog {
  readonly origin: string;
  /** Those that the root vouches for and has not declared compromised. */
  readonly logKeys: readonly VerifierKey[];
  /** Where the store ends; the root in base64url. */
  readonly head: LogHead;
}

/** A version that the store does not have, where it stands in the log. */
export interface TailVersion extends Pick<VersionEntry, 'output' | 'commitment'> {
  readonly position: number;
  /** Of the epoch that closed behind it. */
  readonly epoch: number;
}

/** An epoch that the store does not have. */
export interface TailEpoch extends EpochEntry {
  /** Of the log with it. */
  readonly size: number;
  /** Of the log then, base64url. */
  readonly root: string;
  readonly versions: readonly TailVersion[];
}

/** A copy that our log has signed, that keeps every rule, and that begins with what the store has. */
export interface VerifiedCopy {
  readonly checkpoint: Checkpoint;
  readonly note: string;
  /** Of the log's own keys, as they stand under the note. */
  readonly signatureLines: string;
  readonly vrfPublicKey: Uint8Array;
  /** The store's head that it was held against. */
  readonly from: LogHead;
  /** The entries behind that, in their order, and the epochs that they make. */
  readonly tail: readonly Uint8Array[];
  readonly epochs: readonly TailEpoch[];
  /** The root of the first `size` entries, 32 bytes. */
  rootAt(size: number): Uint8Array;
  /** How the copy begins: for evidence that something else was signed. */
  beginning(size: number): TreeBeginning;
}

/** The log has signed this copy, and something else at a smaller size. */
export class ForkedCopy extends Error {
  override readonly name = 'ForkedCopy';
  readonly copy: Pick<VerifiedCopy, 'checkpoint' | 'note' | 'rootAt' | 'beginning'>;

  constructor(copy: ForkedCopy['copy']) {
    super('the copy does not begin with what the store has');
    this.copy = copy;
  }
}

/**
 * Verifies a copy, from its first entry to its checkpoint: the auditor's rules (PROTOCOL §7), the signature of the log, and
 * that it continues the store. Whoever hands it in can leave out what is newer, and nothing else.
 *
 * Throws `log_origin`, `note_malformed`, `note_signature`; `state_refused` for a copy that is damaged, breaks a rule or
 * has nothing that the store has not; `ForkedCopy` for one that the log has signed, and that is another history.
 */
export async function verifyCopy(
  copy: LogCopy,
  restored: RestoredLog,
  onProgress: (size: number, of: number) => void = () => {},
): Promise<VerifiedCopy> {
  const { checkpoint, verified } = await openCheckpoint(copy.note, restored);
  const read = await replayCopy(copy, checkpoint, restored.head.size, onProgress);
  const { rootAt, tree } = read;
  if (encodeBase64url(rootAt(checkpoint.size)) !== encodeBase64url(checkpoint.root)) {
    throw refused('its entries do not make up the root that was signed');
  }
  const { head } = restored;
  const beginning = (size: number) => proveBeginning(tree, size, read.leavesAround(size));
  const own = { checkpoint, note: copy.note, rootAt, beginning };
  if (head.size > checkpoint.size)
    throw refused(`it ends at ${checkpoint.size} entries, and the store has ${head.size}`);
  if (head.size > 0 && encodeBase64url(rootAt(head.size)) !== head.hash) throw new ForkedCopy(own);
  if (head.size === checkpoint.size) throw refused('it has nothing that the store does not have');
  return {
    ...{ ...own, from: head },
    signatureLines: verified.map(({ signature }) => formatSignatureLine(signature)).join(''),
    vrfPublicKey: read.vrfPublicKey,
    tail: read.tail,
    epochs: epochsOf(read.tail, head.size, rootAt),
  };
}

interface ReadCopy {
  readonly tree: BundledTree;
  readonly tail: readonly Uint8Array[];
  readonly vrfPublicKey: Uint8Array;
  rootAt(size: number): Uint8Array;
  /** Hashes of the bundle that this size lies in. */
  leavesAround(size: number): Uint8Array;
}

async function replayCopy(
  copy: LogCopy,
  { size }: Checkpoint,
  known: number,
  onProgress: (size: number, of: number) => void,
): Promise<ReadCopy> {
  const rules = createEntryRules();
  const leaves = Buffer.alloc(size * DIGEST);
  const tail: Uint8Array[] = [];
  let vrfPublicKey: Uint8Array | undefined;
  for await (const part of copy.entries()) {
    const first = rules.size;
    // what the store has itself need not be recomputed: its root is compared
    for (const [place, entry] of part.entries()) take(rules, entry, first + place + 1 < known);
    leaves.set(hashEntries(part), first * DIGEST);
    tail.push(...part.slice(Math.max(0, known - first)).map((entry) => Uint8Array.from(entry)));
    vrfPublicKey ??= vrfKeyIn(part[0]);
    onProgress(rules.size, size);
  }
  if (rules.size !== size || vrfPublicKey === undefined || !rules.atEpochEnd) {
    throw refused(`it has ${rules.size} of ${size} entries, or does not end with an epoch`);
  }
  const bundle = (index: number) =>
    leaves.subarray(index * TILE_WIDTH * DIGEST, (index + 1) * TILE_WIDTH * DIGEST);
  const full = Math.floor(size / TILE_WIDTH);
  const bundleRoots = Buffer.concat(Array.from({ length: full }, (_, index) => subtreeRoot(bundle(index))));
  const treeAt = (earlier: number): BundledTree => ({
    ...{ size: earlier, bundleRoots },
    edge: bundle(Math.floor(earlier / TILE_WIDTH)).subarray(0, (earlier % TILE_WIDTH) * DIGEST),
  });
  return {
    ...{ tree: treeAt(size), tail, vrfPublicKey },
    rootAt: (earlier) => treeRoot(treeAt(earlier)),
    leavesAround: (earlier) => bundle(Math.floor(earlier / TILE_WIDTH)),
  };
}

function take(rules: EntryRules, entry: Uint8Array, trusted: boolean): void {
  try {
    rules.take(entry, { trusted });
  } catch (error) {
    if (error instanceof LogViolation) throw refused(`it breaks a rule: ${error.message}`, error);
    throw error;
  }
}

function vrfKeyIn(first: Uint8Array | undefined): Uint8Array | undefined {
  const entry = first === undefined ? undefined : parseLogEntry(first);
  return entry?.kind === 'start' ? entry.vrfPublicKey : undefined;
}

/** They keep the rules: each version stands before an epoch. */
function epochsOf(
  tail: readonly Uint8Array[],
  from: number,
  rootAt: (size: number) => Uint8Array,
): TailEpoch[] {
  const epochs: TailEpoch[] = [];
  let versions: Omit<TailVersion, 'epoch'>[] = [];
  for (const [place, bytes] of tail.entries()) {
    const entry = parseLogEntry(bytes);
    const position = from + place;
    if (entry.kind === 'version') {
      const { output, commitment } = entry;
      versions.push({ output, commitment, position });
    }
    if (entry.kind !== 'epoch') continue;
    const size = position + 1;
    const closed = versions.map((version) => ({ ...version, epoch: entry.epoch }));
    epochs.push({ ...entry, size, root: encodeBase64url(rootAt(size)), versions: closed });
    versions = [];
  }
  return epochs;
}

/** What a copy says of a head that something else has kept: whether it has it. */
export function containsHead(
  copy: Pick<VerifiedCopy, 'checkpoint' | 'rootAt'>,
  { size, root }: { readonly size: number; readonly root: string | Uint8Array },
): 'contained' | 'beyond' | 'another' {
  if (size > copy.checkpoint.size) return 'beyond';
  if (size === 0) return 'contained';
  const bytes = typeof root === 'string' ? decodeBase64url(root, DIGEST) : root;
  return Buffer.compare(copy.rootAt(size), bytes) === 0 ? 'contained' : 'another';
}

function refused(what: string, cause?: unknown): CountersignError {
  return new CountersignError('state_refused', `This copy of the log is of no use here: ${what}.`, { cause });
}
