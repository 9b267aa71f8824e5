import type { Clock } from '../lib/clock.ts';
import { ANCHORS_AGE_MS, COSIGNATURE_AGE_S } from '../lib/limits.ts';
import type { Query } from '../storage/database.ts';
import { inclusionProof } from '../tlog/log-tree.ts';
import type { Quorum } from '../tlog/quorum.ts';
import { type Epoch, epochOfSize, newestEpoch } from './epoch-store.ts';
import { epochEntry } from './epochs.ts';

/** What proofs of one epoch have in common. */
export interface Anchor {
  readonly epoch: Epoch;
  /** The note of its checkpoint, with the cosignatures that there are. */
  readonly checkpoint: string;
  readonly epochEntry: Uint8Array;
  readonly epochInclusion: readonly Uint8Array[];
  readonly startInclusion: readonly Uint8Array[];
}

/** The checkpoints that are signed: what anchors need of them. */
export interface SignedCheckpoints {
  /** The size of the newest. */
  newestSize(query: Query): Promise<number | undefined>;
  /** The note of the one of this size, cosignatures included; nothing where no key that counts has signed it. */
  note(query: Query, size: number): Promise<string | undefined>;
}

/** Which checkpoints enough others have seen. */
export type QuorateSizes = Pick<Quorum, 'newestQuorate' | 'newestAudited' | 'demands'>;

export interface AnchorDeps {
  readonly checkpoints: SignedCheckpoints;
  readonly quorum?: QuorateSizes | undefined;
  readonly clock: Clock;
}

/**
 * The checkpoints that proofs are anchored in, the best first: the newest that auditors have replayed, unless that is
 * long ago; the newest that the witnesses' quorum has seen; the newest of all. Kept for a moment, since every look-up
 * asks for them.
 */
export class Anchors {
  readonly #deps: AnchorDeps;
  #known: readonly Anchor[] = [];
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<readonly Anchor[]> | undefined;

  constructor(deps: AnchorDeps) {
    this.#deps = deps;
  }

  /** Those that were read some moments ago at most. */
  get recent(): readonly Anchor[] | undefined {
    return performance.now() - this.#readAt < ANCHORS_AGE_MS ? this.#known : undefined;
  }

  /** Each newer than the one before. As of now, where `afresh` says so; else some moments old at most. */
  async best(query: Query, afresh: boolean): Promise<readonly Anchor[]> {
    const known = afresh ? undefined : this.recent;
    if (known !== undefined) return known;
    // who demands fresh ones must not get those of a reading that began before
    if (afresh || this.#reading === undefined) this.#reading = this.#read(query);
    return this.#reading;
  }

  /** There is a new checkpoint, or a new cosignature of one. */
  changed(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
    this.#reading = undefined;
  }

  async #read(query: Query): Promise<readonly Anchor[]> {
    const began = performance.now();
    try {
      const anchors: Anchor[] = [];
      for (const size of await this.#sizes(query)) {
        const anchor = await this.#anchorAt(query, size);
        if (anchor !== undefined) anchors.push(anchor);
      }
      this.#known = anchors;
      this.#readAt = began;
      return this.#known;
    } finally {
      this.#reading = undefined;
    }
  }

  async #sizes(query: Query): Promise<number[]> {
    const { checkpoints, quorum } = this.#deps;
    const sizes = [
      quorum?.demands('auditor') ? await this.#auditedLately(query, quorum) : undefined,
      quorum?.demands('witness') ? await quorum.newestQuorate(query) : undefined,
      await checkpoints.newestSize(query),
    ];
    const better: number[] = [];
    // one that is older than a better one says nothing that the better one does not
    for (const size of sizes) if (size !== undefined && size > (better.at(-1) ?? 0)) better.push(size);
    return better;
  }

  /** An auditor that is away must not hold everybody at the day when it left. */
  async #auditedLately(query: Query, quorum: QuorateSizes): Promise<number | undefined> {
    const size = await quorum.newestAudited(query);
    if (size === undefined) return undefined;
    const [then, newest] = [await epochOfSize(query, size), await newestEpoch(query)];
    if (then === undefined || newest === undefined) return undefined;
    const isOld = this.#deps.clock.now() - then.time_ms > COSIGNATURE_AGE_S * 1000;
    return isOld && newest.epoch > then.epoch ? undefined : size;
  }

  async #anchorAt(query: Query, size: number): Promise<Anchor | undefined> {
    const checkpoint = await this.#deps.checkpoints.note(query, size);
    const known = this.#known.find(({ epoch }) => epoch.size === size);
    if (checkpoint === undefined) return undefined;
    if (known?.checkpoint === checkpoint) return known;
    if (known !== undefined) return { ...known, checkpoint };
    const epoch = await epochOfSize(query, size);
    // its pages are gone: so much later was it cosigned
    if (epoch?.pages_kept !== 1) return undefined;
    return {
      epoch,
      checkpoint,
      epochEntry: epochEntry(epoch),
      epochInclusion: await inclusionProof(query, 'keys', size - 1, size),
      startInclusion: await inclusionProof(query, 'keys', 0, size),
    };
  }
}
