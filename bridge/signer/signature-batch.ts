/** What the thread is given: `key` is an index into the batch's keys. */
export type SignatureJob =
  | readonly [message: string, key: number]
  | readonly [message: string, x: string, signature: string];

export interface SignatureBatch {
  /** Of the batch; the answers repeat it. */
  readonly id: number;
  readonly keys: readonly CryptoKey[];
  readonly jobs: readonly SignatureJob[];
}

export interface SignatureAnswers {
  readonly id: number;
  /** One for each job, in their order: a signature, or whether one verifies. */
  readonly answers: readonly (string | boolean)[];
}

/** What the thread says once, before anything else. */
export const READY = 'ready';
