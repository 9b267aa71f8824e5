import type { Json } from '../../protocol/canonical-json.ts';

/** RFC 9493: whom a signal is about. */
export type SimpleSubject =
  | { readonly format: 'email'; readonly email: string }
  | { readonly format: 'iss_sub'; readonly iss: string; readonly sub: string }
  | { readonly format: 'opaque'; readonly id: string };

/** SSF 1.0 §3: somebody's device. */
export interface ComplexSubject {
  readonly format: 'complex';
  readonly user: SimpleSubject;
  readonly device: SimpleSubject;
}

export type SignalSubject = SimpleSubject | ComplexSubject;

/** What of a security event token is known before it is sent: who issues it, when and to whom is added then. */
export interface SignalClaims {
  /** Id of the event that it follows from, or of the request. */
  readonly txn: string;
  readonly sub_id: SignalSubject;
  /** Exactly one member. */
  readonly events: { readonly [uri: string]: { readonly [member: string]: Json } };
}

/** One signal that waits. */
export interface QueuedSignal {
  readonly position: number;
  readonly jti: string;
  readonly claims: SignalClaims;
}
