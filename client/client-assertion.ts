import { encodeBase64url } from '../protocol/base64url.ts';
import { utf8 } from '../protocol/bytes.ts';
import { type SigningKey, signBytes } from '../protocol/ed25519.ts';
import type { ClientContext } from './context.ts';
import { randomId } from './random-id.ts';

/** Machines send it at once; the bridge's clock may differ. Seconds. */
const LIFE = 60;

/** RFC 7523 §3: for this bridge alone, and for one use. */
export async function signClientAssertion(context: ClientContext, key: SigningKey): Promise<string> {
  const now = context.now();
  const part = (value: object) => encodeBase64url(utf8(JSON.stringify(value)));
  const header = part({ alg: 'Ed25519', typ: 'JWT', kid: key.kid });
  const claims = part({
    ...{ iss: context.clientId, sub: context.clientId, aud: context.issuer },
    ...{ jti: randomId(), iat: now, exp: now + LIFE },
  });
  return `${header}.${claims}.${await signBytes(key, utf8(`${header}.${claims}`))}`;
}
