import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { CountersignError } from './errors.ts';
import { assertSafeSignatureKey, type SignatureKey, thumbprint } from './public-key.ts';

/** A private key that signs, with its public half. The private half is a WebCrypto key and may be non-extractable. */
export interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly publicKey: SignatureKey;
  /** RFC 7638 thumbprint of the public half. */
  readonly kid: string;
}

/** A new Ed25519 key. Extractable only where the caller must store the private half itself (a vault, a key file). */
export async function generateSigningKey(extractable: boolean): Promise<SigningKey> {
  const pair = await crypto.subtle.generateKey('Ed25519', extractable, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new CountersignError('internal');
  return signingKey(pair.privateKey, await exportPublicKey(pair.publicKey));
}

/** A signing key from its private JWK (RFC 8037 `d`). Throws `key_invalid`. */
export async function importSigningKey(
  jwk: SignatureKey & { d: string },
  extractable = false,
): Promise<SigningKey> {
  try {
    const privateKey = await crypto.subtle.importKey(
      'jwk',
      { ...jwk, alg: 'Ed25519' },
      'Ed25519',
      extractable,
      ['sign'],
    );
    return signingKey(privateKey, { kty: 'OKP', crv: 'Ed25519', x: jwk.x });
  } catch (cause) {
    throw new CountersignError('key_invalid', 'the private key does not import', { cause });
  }
}

/** The private half as JWK; only for keys generated as extractable. */
export async function exportSigningKey(key: SigningKey): Promise<SignatureKey & { d: string }> {
  const { d } = await crypto.subtle.exportKey('jwk', key.privateKey);
  if (d === undefined) throw new CountersignError('key_invalid', 'the private key is not extractable');
  return { ...key.publicKey, d };
}

/** Signs `message` as it is (RFC 8032); base64url. */
export async function signBytes(key: SigningKey, message: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeBase64url(new Uint8Array(await crypto.subtle.sign('Ed25519', key.privateKey, message)));
}

/** Whether `signature` (base64url) is `key`'s over `message`. An unsafe key or a malformed signature is just false. */
export async function verifyBytes(
  key: SignatureKey,
  message: Uint8Array<ArrayBuffer>,
  signature: string,
): Promise<boolean> {
  try {
    const publicKey = await importSignatureKey(key);
    return await crypto.subtle.verify('Ed25519', publicKey, decodeBase64url(signature, 64).slice(), message);
  } catch {
    return false;
  }
}

/** The WebCrypto form of a checked public key. Throws `key_invalid`. */
export async function importSignatureKey(key: SignatureKey): Promise<CryptoKey> {
  const known = imported.get(key.x);
  if (known !== undefined) {
    remember(key.x, known);
    return known;
  }
  assertSafeSignatureKey(key);
  const raw = decodeBase64url(key.x, 32).slice();
  const publicKey = await crypto.subtle.importKey('raw', raw, 'Ed25519', true, ['verify']);
  remember(key.x, publicKey);
  return publicKey;
}

/** Point checks cost more than a verification; keys of a company's bridges recur in every look-up. */
const IMPORTED_KEYS = 4096;
const imported = new Map<string, CryptoKey>();

/** The key used longest ago makes room: whoever sends new keys cannot drive out those in use. */
function remember(x: string, key: CryptoKey): void {
  imported.delete(x);
  imported.set(x, key);
  for (const oldest of imported.keys()) {
    if (imported.size <= IMPORTED_KEYS) break;
    imported.delete(oldest);
  }
}

function signingKey(privateKey: CryptoKey, publicKey: SignatureKey): SigningKey {
  return { privateKey, publicKey, kid: thumbprint(publicKey) };
}

async function exportPublicKey(key: CryptoKey): Promise<SignatureKey> {
  const { x } = await crypto.subtle.exportKey('jwk', key);
  if (x === undefined) throw new CountersignError('internal');
  return { kty: 'OKP', crv: 'Ed25519', x };
}
