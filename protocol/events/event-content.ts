import { equalBytes } from '../bytes.ts';
import { type Json, labelled } from '../canonical-json.ts';
import { isCountersignError } from '../errors.ts';
import type { Sha256 } from '../tlog/merkle.ts';

/** Whether an event, without its `hash`, has this one. One that could not have been hashed is not as it was. */
export function isWhole(event: object, hash: Uint8Array, sha256: Sha256): boolean {
  try {
    return equalBytes(sha256(labelled('event', event as { readonly [name: string]: Json })), hash);
  } catch (error) {
    if (isCountersignError(error, 'claims_invalid')) return false;
    throw error;
  }
}
