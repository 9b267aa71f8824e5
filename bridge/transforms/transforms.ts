/** What a transform is for: who joins a meeting waits for it, an asset's reader can wait a little longer. */
export type TransformPriority = 'join' | 'asset';

/**
 * Whose turn a job takes. Companies take turns (our own people are one of them), within each what is opened (a group, a
 * person's own keys, or `ENROLMENTS`), and within that people: neither a partner with many meetings nor a meeting with many
 * people keeps others out.
 */
export type TransformTurn = readonly [company: string, of: string, person: string];

/**
 * All enrolments take turns as one: a company that enrols everybody on one morning would else have as many turns as people,
 * and its meetings one each. No group is called so.
 */
export const ENROLMENTS = 'enrolments';

export interface TransformJob {
  /** An encrypted value (recrypt/encoding.ts), or with `box` a sealed box (recrypt/sealed-box.ts). Anybody may have made it. */
  readonly encrypted: Uint8Array;
  readonly box?: true;
  /** Encoded transform keys, one hop each, in order. They are given up: wiped as soon as the job needs them no more. */
  readonly keys: readonly Uint8Array[];
  /** Hops that `encrypted` may have behind it. */
  readonly maxBlocks: number;
  /** Hops that it must have behind it, where that is known. Not for boxes. */
  readonly exactBlocks?: number;
  readonly priority: TransformPriority;
  readonly turn: TransformTurn;
  /** Drops the job while it waits; its result, once it is under way. */
  readonly signal?: AbortSignal | undefined;
}

/** Transforms, off the event loop: tens of milliseconds of arithmetic for each hop. */
export interface Transforms {
  /**
   * The ciphertext, transformed by these keys one after another. Throws `recrypt_input_invalid`, `overloaded` (with
   * `retryAfter`) where too many wait, `aborted`, and `unavailable` when the thread at work ended or the pool stops.
   * Nothing is retried.
   */
  run(job: TransformJob): Promise<Uint8Array>;
  /** Takes no more, finishes what was taken, within bounds, and ends the threads. */
  stop(): Promise<void>;
}

/** Is told of what the pool does, for metrics; must return at once and not throw. */
export interface TransformObserver {
  /** So many jobs wait now. */
  waiting(priority: TransformPriority, jobs: number): void;
  /** A job has ended well, after so many seconds of waiting and of work, a thread's other job included. */
  finished(priority: TransformPriority, seconds: { readonly waited: number; readonly worked: number }): void;
  /** A job has ended in an error of this code. */
  failed(priority: TransformPriority, code: string): void;
}
