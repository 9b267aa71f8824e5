/** What the thread is given: `key` is an index into the batch's keys. */
export type SignatureJob =
  | readonly [message: string, key: number]
  | readonly [message: string, x: string, signature: string];

export interface SignatureBatch {
  readonly keys: readonly CryptoKey[];
  readonly jobs: readonly SignatureJob[];
}

/** One for each job, in their order: a signature, or whether one verifies. */
export type SignatureAnswers = readonly (string | boolean)[];

/** What the thread says once, before anything else. */
export const READY = 'ready';
