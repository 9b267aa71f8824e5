import type { Json } from '../../protocol/canonical-json.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import type { ObjectType } from '../../protocol/jws.ts';

/** Claims as JSON writes them: a member that is undefined is left out. */
export type Claims = Json | readonly Claims[] | { readonly [name: string]: Claims | undefined };

/**
 * `signJws` of protocol/jws.ts, byte for byte, by Node's own base64url: an answer about a thousand addresses is
 * megabytes long.
 */
export async function signCompact(key: SigningKey, type: ObjectType, claims: Claims): Promise<string> {
  const header = base64url(JSON.stringify({ alg: 'Ed25519', typ: type, kid: key.kid }));
  const signed = `${header}.${base64url(JSON.stringify(claims))}`;
  const signature = await crypto.subtle.sign('Ed25519', key.privateKey, Buffer.from(signed, 'latin1'));
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
