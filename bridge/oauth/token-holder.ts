import type { SignIn } from '../../connectors/identity/connector.ts';
import type { Assurance } from '../../protocol/claims.ts';

/** Who holds an access token: what `Holder` of bridge/binding demands. */
export interface TokenHolder {
  readonly sub: string;
  /** Thumbprint of the DPoP key that the token is bound to: the device's `sig`. */
  readonly deviceId: string;
  /** Whether that device is endorsed, read now. */
  readonly endorsed: boolean;
  readonly assurance: Assurance;
  readonly connectionId: string;
  readonly signIn: SignIn;
  /** sha256, base64url. */
  readonly accessTokenHash: string;
}
