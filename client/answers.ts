import type { Level } from '../protocol/credential.ts';
import type { CountersignError, ErrorCode } from '../protocol/errors.ts';
import type { IdentityAttributes } from '../protocol/identity-attributes.ts';
import type { KeyStatement } from '../protocol/key-statement.ts';
import type { AddressPin } from './pin-store.ts';

/**
 * What keeps an answer from a higher level. `no_log_proof`: the bridge stapled none. `no_witnesses`, `no_auditors`: the
 * pinned policy names too few to ever reach it. `witness_quorum`, `auditor_quorum`: too few of those that it names have
 * cosigned. `witnesses_old`, `auditors_old`: enough have, but too long ago.
 */
export type Shortfall =
  | 'no_log_proof'
  | 'no_witnesses'
  | 'witness_quorum'
  | 'witnesses_old'
  | 'no_auditors'
  | 'auditor_quorum'
  | 'auditors_old';

/** A key that was verified and agrees with the pin, or is pinned by this. */
export interface VerifiedAnswer {
  readonly status: 'verified';
  readonly address: string;
  readonly level: Level;
  /** Seconds since what carries the level: the binding, the epoch's close, the cosignature that completed the quorum. */
  readonly age: number;
  /** Why the level is not a higher one; null at the highest. */
  readonly shortOf: Shortfall | null;
  readonly statement: KeyStatement;
  /** What the issuer tells this client about the person; null where it tells nothing. */
  readonly attributes: IdentityAttributes | null;
  /** Nothing was pinned for this address before: trusted on first use. */
  readonly firstSeen: boolean;
}

/** The issuer signs that the address has no active key any more; verified. */
export interface RevokedAnswer {
  readonly status: 'revoked';
  readonly address: string;
  readonly level: Level;
  /** Seconds, as of a key; of `signed`, since the revocation was signed. */
  readonly age: number;
  readonly shortOf: Shortfall | null;
  readonly statement: KeyStatement;
}

/** Everything verifies, but it is not the key pinned for this address. Nothing is accepted until a person decides. */
export interface ChangedKeyAnswer {
  readonly status: 'changed_key';
  readonly address: string;
  readonly pinned: AddressPin;
  readonly offered: AddressPin;
}

/** What was answered does not verify: a lie or a fault of the issuer or of the own bridge. Nothing of it counts. */
export interface RejectedAnswer {
  readonly status: 'rejected';
  readonly address: string;
  readonly code: ErrorCode;
  /** A `SplitViewError` where the issuer's log contradicts itself: it carries the evidence. */
  readonly error: CountersignError;
}

/** Claims of a bridge alone, without evidence; `source` says whose. */
export interface ClaimedAnswer {
  readonly status: 'revoked_pending' | 'not_found';
  readonly address: string;
  readonly source: 'own' | 'partner';
}

export interface RefusedAnswer {
  readonly status: 'refused';
  readonly address: string;
  readonly source: 'own' | 'partner';
  /** Why, as the bridge names it; `bridge_invalid` for a code that this client does not know. */
  readonly code: ErrorCode;
  readonly detail: string | null;
}

/** What a look-up says of one address. */
export type Answer =
  | VerifiedAnswer
  | RevokedAnswer
  | ChangedKeyAnswer
  | RejectedAnswer
  | ClaimedAnswer
  | RefusedAnswer;
