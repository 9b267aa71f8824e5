import { CountersignError } from '../../protocol/errors.ts';

/** A part of the copy that a receiver has, in the order in which it was written. */
export interface CopyPart {
  /** As they stand there, without their ends: in the format of the sink. */
  readonly lines: readonly string[];
  /** For the next part; null at the end. */
  readonly next: string | null;
}

/** Reads back what a sink wrote, with the credentials that the sink has. Nothing is kept between two parts. */
export interface CopyReader {
  /**
   * Throws `sink_unavailable`; `sink_misconfigured` where the receiver lets the sink write and not read, in words that
   * say what it takes; `malformed_request` for an `after` that no part gave.
   *
   * @param after - `next` of the part before; `undefined` begins
   */
  part(after: string | undefined, signal: AbortSignal): Promise<CopyPart>;
}

/** Most bytes of lines in one part, before the last line or object that is still taken: an answer of some MB. */
export const COPY_PART_BYTES = 1_000_000;

/** For an `after` that no part gave. */
export function noSuchPart(): CountersignError {
  return new CountersignError('malformed_request', 'after: is not what the part before answered');
}
