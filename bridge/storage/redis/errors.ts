import { ReplyError } from 'ioredis';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';

/**
 * ioredis's error as ours, the original as its private cause. Whatever is wrong with the server or the way to it is
 * `unavailable`: the caller refuses then. Only our own mistakes are `internal`.
 */
export function fromRedis(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  const code = isReply(error, /^(WRONGTYPE|ERR value is not an integer)/) ? 'internal' : 'unavailable';
  return new CountersignError(code, undefined, { cause: error });
}

/** What an ACL or a password refuses, also from within a script. */
const REFUSED =
  /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password|ERR Client sent AUTH)|user executing the script can't/;

/** The error of the first connection: a refused login is for the operator to mend. */
export function fromFirstConnection(error: unknown): CountersignError {
  const original = ofNode(isCountersignError(error, 'unavailable') ? (error.cause ?? error) : error);
  if (isReply(original, REFUSED)) {
    const detail =
      'The cache refuses the user or the password, or does not let that user do what the bridge needs.';
    return new CountersignError('config_invalid', detail, { cause: original });
  }
  if (original instanceof CountersignError) return original;
  return new CountersignError('unavailable', 'The cache cannot be reached.', { cause: original });
}

/** A Cluster of which no node tells its slots: what the last of them answered says why. */
function ofNode(error: unknown): unknown {
  return error instanceof Error && 'lastNodeError' in error ? (error.lastNodeError ?? error) : error;
}

function isReply(error: unknown, pattern: RegExp): boolean {
  return error instanceof ReplyError && pattern.test((error as Error).message);
}
