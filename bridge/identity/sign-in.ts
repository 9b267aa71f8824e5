import type { SignIn } from '../../connectors/identity/connector.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { RequestContext } from '../lib/request-context.ts';

export type { SignIn } from '../../connectors/identity/connector.ts';

/** Interactions of the device grant's page begin with this: they are no client app's. */
export const DEVICE_INTERACTION = 'device.';

/** A connection as somebody who signs in may see it. */
export interface ConnectionChoice {
  readonly id: string;
  readonly name: string;
}

/** An IdP's answer was verified; the browser that began must take it. */
export interface Completed {
  /** The interaction that it was begun in. */
  readonly interaction: string;
  /** One-time, for `resume`. */
  readonly handle: string;
}

export interface SignedIn {
  readonly sub: string;
  readonly connectionId: string;
  readonly signIn: SignIn;
}

/**
 * Sign-in through the connections: a browser leaves with an opaque handle and comes back with an answer, which is
 * verified and kept under a one-time handle; only the browser that holds the interaction's cookie can take it.
 */
export interface SignIns {
  /**
   * The active connections for an address by its domain (home-realm discovery); every one where none is given. Those of
   * meeting rooms are apart: people are not asked whether they are one.
   */
  choices(address?: string, whose?: 'people' | 'rooms'): Promise<ConnectionChoice[]>;
  /** Where to send the browser. Throws `connection_unknown`, `forbidden`, and what the connector throws. */
  begin(start: {
    /** Who may take the result: the authorization server's interaction. */
    interaction: string;
    connectionId: string;
    /** The address that the person typed. */
    loginHint?: string;
    /** Ask the IdP to authenticate the person anew. */
    fresh?: boolean;
  }): Promise<string>;
  /**
   * `url` as it came, query included. Throws `sign_in_unknown`, `replayed`, or a `SignInFailure` with what the
   * connector threw, once it is known whose sign-in it was.
   */
  completeOidc(connectionId: string, url: string): Promise<Completed>;
  /** The form that was posted to the ACS. Throws as `completeOidc`. */
  completeSaml(connectionId: string, form: Readonly<Record<string, string>>): Promise<Completed>;
  /**
   * Links and records, for the interaction that the browser's cookie names. Throws `sign_in_unknown`,
   * `sign_in_foreign`, or a `SignInFailure` with `replayed`, `no_address`, `address_taken`, `person_closed`,
   * `connection_inactive` or `forbidden`.
   */
  resume(taken: { interaction: string; handle: string }, context: RequestContext): Promise<SignedIn>;
}

/** An answer was refused; the sign-in that it belongs to can be given up. `cause` says why. */
export class SignInFailure extends Error {
  override readonly name = 'SignInFailure';
  readonly interaction: string;
  readonly connectionId: string;

  constructor(whose: { interaction: string; connectionId: string }, cause: unknown) {
    super('a sign-in failed', { cause });
    this.interaction = whose.interaction;
    this.connectionId = whose.connectionId;
  }
}

/** Why a sign-in was refused: for administrators. The person sees the id alone. */
export interface SignInTrace {
  readonly traceId: string;
  readonly code: ErrorCode;
  readonly connectionId: string | null;
  /** Seconds. */
  readonly time: number;
  /** In words, without secrets. */
  readonly detail: string | null;
}

export interface SignInTraces {
  /** Records a refusal as an event and under a new trace id, which it answers. */
  record(refusal: { error: unknown; connectionId: string | null }, context: RequestContext): Promise<string>;
  /** `traceId` as a person typed it. Throws `not_found`. */
  get(traceId: string): Promise<SignInTrace>;
  /** Forgets old ones; answers how many. */
  purge(): Promise<number>;
}
