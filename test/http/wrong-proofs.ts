import { createHmac } from 'node:crypto';
import { CompactSign } from 'jose';
import { type DpopRequest, signDpopProof } from '../../protocol/dpop.ts';
import { generateSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';

/** A DPoP header that must be refused, or several. */
export interface WrongProof {
  readonly fault: string;
  readonly dpop: string | string[] | undefined;
  readonly code: ErrorCode;
}

type Asked = Required<Omit<DpopRequest, 'nonce'>>;

/** Everything that is wrong with a proof one at a time; each but the missing ones with a `jti` of its own. */
export async function wrongProofs(sig: SigningKey, asked: Asked, now: number): Promise<WrongProof[]> {
  const right = (change: Partial<Asked> = {}, at = now) => signDpopProof(sig, { ...asked, ...change }, at);
  const another = await generateSigningKey(false);
  const { origin } = new URL(asked.url);
  const header = { typ: 'dpop+jwt', alg: 'Ed25519', jwk: sig.publicKey };
  const claims = () => ({ ...claimsOf(asked), iat: now });
  const signed = (changed: object, body: object = claims()) =>
    new CompactSign(bytes(body)).setProtectedHeader({ ...header, ...changed }).sign(sig.privateKey);
  const unsigned = (changed: object, signature: string) =>
    `${encoded({ ...header, ...changed })}.${encoded(claims())}.${signature}`;

  const invalid: readonly [string, string | string[] | undefined][] = [
    ['no proof', undefined],
    ['an empty proof', ''],
    ['no JWS', 'proof'],
    ['two proofs', [await right(), await right()]],
    ['for another method', await right({ method: asked.method === 'PATCH' ? 'PUT' : 'PATCH' })],
    ['for another path', await right({ url: `${asked.url}/other` })],
    ['for another host', await right({ url: asked.url.replace(origin, 'https://bridge.evil.example') })],
    ['for another token', await right({ accessToken: 'another' })],
    ['without a token', await signDpopProof(sig, { method: asked.method, url: asked.url }, now)],
    ['too old', await right({}, now - 120)],
    ['from the future', await right({}, now + 120)],
    ['alg none', unsigned({ alg: 'none' }, '')],
    ['alg none with a signature', unsigned({ alg: 'none' }, 'A'.repeat(86))],
    [
      'HMAC with the public key',
      unsigned({ alg: 'HS256' }, hmac(sig, { ...header, alg: 'HS256' }, claims())),
    ],
    ['a signature of zeros', unsigned({}, 'A'.repeat(86))],
    ['another type', await signed({ typ: 'jwt' })],
    ['a header that the verifier must understand', await signed({ crit: ['b64'], b64: true })],
    ['a key by reference', await signed({ jku: 'https://evil.example/keys' })],
    ['the key of somebody else', await signed({ jwk: another.publicKey })],
    ['no jti', await signed({}, { ...claims(), jti: undefined })],
    ['a short jti', await signed({}, { ...claims(), jti: '1' })],
    ['an iat that is no number', await signed({}, { ...claims(), iat: String(now) })],
  ];
  return [
    ...invalid.map(([fault, dpop]): WrongProof => ({ fault, dpop, code: 'dpop_invalid' })),
    {
      fault: 'a right proof by a key that the token is not bound to',
      dpop: await signDpopProof(another, asked, now),
      code: 'unauthenticated',
    },
  ];
}

function claimsOf({ method, url, accessToken }: Asked) {
  return { jti: crypto.randomUUID(), htm: method, htu: url, ath: sha256Base64url(accessToken) };
}

function hmac(sig: SigningKey, header: object, claims: object): string {
  const secret = Buffer.from(JSON.stringify(sig.publicKey));
  return createHmac('sha256', secret)
    .update(`${encoded(header)}.${encoded(claims)}`)
    .digest('base64url');
}

function encoded(value: object): string {
  return Buffer.from(bytes(value)).toString('base64url');
}

function bytes(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
