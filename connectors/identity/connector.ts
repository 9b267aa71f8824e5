/**
 * The one interface of every identity provider adapter.
 *
 * A connector talks to one configured IdP and answers only what it has verified. It keeps no state: what it must
 * remember between `begin` and `complete` is in `pending`, which the caller stores server-side for the time of the
 * sign-in, under an opaque handle (`state` for OIDC, `RelayState` for SAML) that the caller makes.
 */
export interface IdentityConnector {
  readonly protocol: 'oidc' | 'saml';

  /** Where to send the browser. Nothing is stored; the caller keeps `pending` until `complete`. */
  begin(request: LoginRequest): Promise<LoginRedirect>;

  /**
   * Verifies what came back. Throws CountersignError: `upstream_refused` when the IdP itself said no, a code of the
   * failed check otherwise. The caller consumes `assertionId` once (unique constraint) before it uses the identity.
   */
  complete(callback: LoginCallback, pending: PendingLogin): Promise<UpstreamIdentity>;

  /** Fetches and checks what the IdP publishes (discovery, metadata), for the administrator's test and for health. */
  probe(): Promise<ConnectorProbe>;
}

export interface LoginRequest {
  /** Opaque, unguessable, made by the caller; comes back as `state` or `RelayState`. */
  readonly handle: string;
  /** The address that the person typed, to spare them typing it again. Attacker-controlled. */
  readonly loginHint?: string;
  /** Ask the IdP for a fresh authentication (`prompt=login`, `ForceAuthn`). */
  readonly fresh?: boolean;
}

/** What must survive until the callback; JSON, never shown to the browser. */
export type PendingLogin = Readonly<Record<string, string>>;

export interface LoginRedirect {
  readonly url: string;
  readonly pending: PendingLogin;
}

/** What the browser brought; every member is attacker-controlled. */
export type LoginCallback =
  | { readonly protocol: 'oidc'; readonly url: string }
  | { readonly protocol: 'saml'; readonly form: Readonly<Record<string, string>> };

/** Who signed in, as the IdP said it and the connector verified it. Addresses are not yet held against domains. */
export interface UpstreamIdentity {
  /** OIDC issuer or SAML entity id. */
  readonly issuer: string;
  /** OIDC `sub` or the SAML subject; the identity is (connection, subject), never an address. */
  readonly subject: string;
  /** Asserted addresses, unchecked and unfolded; for OIDC only those with `email_verified` where configured. */
  readonly addresses: readonly string[];
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly signIn: SignIn;
  /** Consumed once by the caller: SAML assertion id; null where the protocol has its own (OIDC code, nonce). */
  readonly assertionId: string | null;
  /** When the assertion can no longer be replayed (seconds since the epoch); how long the id must be remembered. */
  readonly assertionExpires: number;
  /** The upstream proof as received: the ID token, or the signed assertion. Personal data: sealed at rest. */
  readonly evidence: string;
}

/** How the person signed in; `authTime` in seconds since the epoch, null where the IdP gave none (or zero). */
export interface SignIn {
  readonly protocol: 'oidc' | 'saml';
  readonly acr: string | null;
  readonly amr: readonly string[];
  readonly authTime: number | null;
}

export interface ConnectorProbe {
  readonly issuer: string;
  /** Certificates or keys that the IdP signs with; `expires` in seconds since the epoch where there is one. */
  readonly keys: readonly { readonly id: string; readonly expires: number | null }[];
}
