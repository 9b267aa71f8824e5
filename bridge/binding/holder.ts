import type { Assurance } from '../../protocol/claims.ts';

/** Who holds the access token of a request: a person, on the device whose key the token is bound to. */
export interface Holder {
  readonly sub: string;
  /** Thumbprint of the device's `sig`, which is its DPoP key. */
  readonly deviceId: string;
  /** Whether that device is endorsed now, as read for this request. */
  readonly endorsed: boolean;
  readonly assurance: Assurance;
  readonly connectionId: string;
  /** How they signed in; `authTime` in seconds. */
  readonly signIn: {
    readonly protocol: 'oidc' | 'saml';
    readonly acr: string | null;
    readonly amr: readonly string[];
    readonly authTime: number | null;
  };
  /** sha256 of the access token: enrolments are bound to it, nobody needs the token itself. */
  readonly accessTokenHash: string;
}
