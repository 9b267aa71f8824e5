import { CountersignError } from '../errors.ts';
import type { RekeyMessage } from './rekey-message.ts';

/** Which messages a member listens to at all. */
export interface ExpectedSender {
  readonly group: string;
  /** The home of the group and so of its admins. */
  readonly iss: string;
  /** `sub`s: any of them may begin a term. */
  readonly admins: ReadonlySet<string>;
  /** Of the newest message that this device ever received: nobody is led back behind it. */
  readonly least: { readonly v: number; readonly term: number; readonly epoch: number };
}

/**
 * Whether a message is by who may send it, and the one after `head`: one sender in a term, no gap, no repeat. Answers
 * whether it begins a term that was not known. Throws `rekey_mismatch`, `rekey_sender`, `rekey_replayed`, `rekey_gap`.
 */
export function checkOrder(
  { claims, hash, device }: RekeyMessage,
  head: RekeyMessage | undefined,
  expected: ExpectedSender,
): boolean {
  if (claims.group !== expected.group) {
    throw new CountersignError('rekey_mismatch', 'the message is of another meeting');
  }
  if (claims.iss !== expected.iss || !expected.admins.has(claims.sub)) {
    throw new CountersignError('rekey_sender', 'the sender is no admin of the group');
  }
  const { least } = expected;
  if (claims.term < least.term || claims.epoch < least.epoch) throw new CountersignError('rekey_replayed');
  // Otherwise a key sealed to the whole group would be taken for one that only those get who are admitted.
  if (claims.v < least.v) {
    throw new CountersignError('rekey_mismatch', 'a meeting that has an admission policy keeps one');
  }
  if (head === undefined) return false;
  const { term, epoch, sub } = head.claims;
  if (hash === head.hash) throw new CountersignError('rekey_replayed');
  if (claims.term === term && (claims.sub !== sub || device !== head.device)) {
    throw new CountersignError('rekey_sender', 'the term has another sender');
  }
  if (claims.epoch <= epoch) throw new CountersignError('rekey_replayed');
  if (claims.epoch > epoch + 1 || claims.term > term + 1) throw new CountersignError('rekey_gap');
  if (claims.prev !== head.hash) {
    throw new CountersignError('rekey_mismatch', 'the message continues another one');
  }
  return claims.term > term;
}
