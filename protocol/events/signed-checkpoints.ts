import { decodeBase64url } from '../base64url.ts';
import { equalBytes } from '../bytes.ts';
import { isCountersignError } from '../errors.ts';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import { CompactRange, completeSubtrees } from '../tlog/compact-range.ts';
import { HASH_BYTES, type Sha256 } from '../tlog/merkle.ts';
import type { VerifierKey } from '../tlog/verifier-key.ts';
import { SeqRows } from './seq-rows.ts';
import { SubtreeLists } from './subtree-lists.ts';

/** A checkpoint whose signature was verified. */
export interface ProvenCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** Of which subtrees the root is made, where that is known and verified too. */
  readonly subtrees?: readonly Uint8Array[] | undefined;
}

/** Whose signature counts, for which log. */
export interface LogTrust {
  /** Of the event log (`eventLogOrigin`). */
  readonly origin: string;
  /** Whose signature a checkpoint must bear. */
  readonly logKeys: readonly VerifierKey[];
  readonly sha256?: Sha256;
}

/** A row: the root, and which list of subtrees it is made of, from 1; 0 where that is not known. */
const ROW_BYTES = HASH_BYTES + 4;

/** All that the keys of the log have signed, of what is at hand. */
export class SignedCheckpoints {
  readonly #trust: LogTrust;
  /** One in which a row of events may end and the next begin. */
  readonly #ends = new SeqRows(ROW_BYTES);
  readonly #roots = new SeqRows(HASH_BYTES);
  readonly #subtrees = new SubtreeLists();

  constructor(trust: LogTrust) {
    this.#trust = trust;
  }

  /**
   * Takes a checkpoint that somebody kept, or that stands in an event with the subtrees of its root. Notes that the keys
   * did not sign say nothing: `undefined`.
   */
  async add(note: string, subtrees?: readonly string[]): Promise<ProvenCheckpoint | undefined> {
    const checkpoint = await this.open(note);
    if (checkpoint === undefined) return undefined;
    const hashes = subtrees === undefined ? undefined : opened(checkpoint, subtrees, this.#trust.sha256);
    const row = new Uint8Array(ROW_BYTES);
    row.set(checkpoint.root);
    const list = hashes === undefined ? 0 : this.#subtrees.add(hashes) + 1;
    new DataView(row.buffer).setUint32(HASH_BYTES, list);
    this.#ends.add(checkpoint.size, row);
    return checkpoint;
  }

  /** Takes a checkpoint that ends no row by itself: it is that of a proof. */
  async open(note: string): Promise<ProvenCheckpoint | undefined> {
    try {
      const { checkpoint } = await openCheckpoint(note, this.#trust);
      this.#roots.add(checkpoint.size, checkpoint.root);
      return { size: checkpoint.size, root: checkpoint.root };
    } catch (error) {
      if (isCountersignError(error)) return undefined;
      throw error;
    }
  }

  /** Those that were added: one of each size and root, the smallest first. */
  *rising(): Generator<ProvenCheckpoint, void> {
    for (const size of this.#ends.seqs()) {
      const found: ProvenCheckpoint[] = [];
      for (const row of this.#ends.at(size)) {
        const root = row.subarray(0, HASH_BYTES);
        const subtrees = this.#subtreesOf(row);
        const known = found.findIndex((other) => equalBytes(other.root, root));
        if (known < 0) found.push({ size, root, subtrees });
        else if (subtrees !== undefined) found[known] = { size, root, subtrees };
      }
      yield* found;
    }
  }

  /** Every root that was signed for a log of this size. */
  rootsAt(size: number): readonly Uint8Array[] {
    return this.#roots.at(size);
  }

  /** Sizes for which different roots were signed: whoever has the key told different stories. */
  get forked(): number[] {
    return [...this.#roots.seqs()].filter((size) => this.#roots.at(size).length > 1);
  }

  /** The largest size. */
  get covered(): number {
    const { count } = this.#roots;
    return count === 0 ? 0 : this.#roots.seqAt(count - 1);
  }

  #subtreesOf(row: Uint8Array): readonly Uint8Array[] | undefined {
    const list = new DataView(row.buffer, row.byteOffset).getUint32(HASH_BYTES);
    return list === 0 ? undefined : this.#subtrees.at(list - 1);
  }
}

/** The subtrees that an event names, where they are those of the root that was signed. */
function opened(
  { size, root }: ProvenCheckpoint,
  subtrees: readonly string[],
  sha256?: Sha256,
): Uint8Array[] | undefined {
  try {
    const hashes = subtrees.map((hash) => decodeBase64url(hash, HASH_BYTES));
    const range = new CompactRange(sha256);
    range.append(completeSubtrees(0, size), hashes);
    return equalBytes(range.root(), root) ? hashes : undefined;
  } catch (error) {
    if (isCountersignError(error)) return undefined;
    throw error;
  }
}
