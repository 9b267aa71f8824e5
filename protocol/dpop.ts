import { base64url, CompactSign, compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import * as z from 'zod/mini';
import { encodeBase64url } from './base64url.ts';
import { utf8 } from './bytes.ts';
import { bytes32 } from './claims.ts';
import { importSignatureKey, type SigningKey } from './ed25519.ts';
import { CountersignError } from './errors.ts';
import { sha256Base64url } from './hash.ts';
import { isCompactJws } from './jws.ts';
import { type SignatureKey, thumbprint } from './public-key.ts';

/** Seconds that a DPoP proof is taken for, from its `iat`. */
export const DPOP_PROOF_AGE = 60;

const headerSchema = z.strictObject({
  typ: z.literal('dpop+jwt'),
  alg: z.enum(['Ed25519', 'ES256']),
  jwk: z.discriminatedUnion('kty', [
    z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: bytes32 }),
    z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: bytes32, y: bytes32 }),
  ]),
});

const claimsSchema = z.object({
  jti: z.string().check(z.minLength(16), z.maxLength(128)),
  htm: z.string(),
  htu: z.string(),
  iat: z.int(),
  ath: z.optional(z.string()),
  nonce: z.optional(z.string()),
});

export interface DpopRequest {
  readonly method: string;
  /** The URL of the request; query and fragment do not count (RFC 9449 §4.2). */
  readonly url: string;
  readonly accessToken?: string;
  readonly nonce?: string;
}

/**
 * Whether `signature` (base64url) is that of an Ed25519 key over `message`, of which each character is a byte. An unsafe
 * key is just false.
 */
export type VerifySignature = (key: SignatureKey, message: string, signature: string) => Promise<boolean>;

/** A DPoP proof (RFC 9449 §4.2) with the device's `sig` key. `now` in seconds. */
export async function signDpopProof(key: SigningKey, request: DpopRequest, now: number): Promise<string> {
  const claims = {
    jti: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
    htm: request.method,
    htu: withoutQuery(request.url),
    iat: now,
    ...(request.accessToken === undefined ? {} : { ath: sha256Base64url(request.accessToken) }),
    ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
  };
  return new CompactSign(utf8(JSON.stringify(claims)))
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'Ed25519', jwk: key.publicKey })
    .sign(key.privateKey);
}

/**
 * Verifies a proof of possession for this very request (RFC 9449 §4.3). The caller consumes `jti` once and holds
 * `jkt` against the token's `cnf`. Throws `dpop_invalid`.
 *
 * @param verify - verifies Ed25519 signatures; by default WebCrypto does
 */
export async function verifyDpopProof(
  proof: string,
  request: Required<Omit<DpopRequest, 'nonce'>>,
  now: number,
  verify?: VerifySignature,
): Promise<{ jkt: string; jti: string; iat: number }> {
  const { header, claims } = await openProof(proof, verify);
  const refused =
    claims.htm !== request.method
      ? 'it is for another method'
      : !sameTarget(claims.htu, request.url)
        ? 'it is for another address'
        : claims.ath !== sha256Base64url(request.accessToken)
          ? 'it is for another access token'
          : !(Math.abs(now - claims.iat) <= DPOP_PROOF_AGE)
            ? 'it is too old, or the clocks differ'
            : null;
  if (refused !== null) throw new CountersignError('dpop_invalid', `the DPoP proof is refused: ${refused}`);
  return { jkt: thumbprint(header.jwk), jti: claims.jti, iat: claims.iat };
}

async function openProof(proof: string, verify: VerifySignature | undefined) {
  try {
    if (!isCompactJws(proof)) throw new Error('not a compact JWS with a signature of 64 bytes');
    const header = headerSchema.parse(decodeProtectedHeader(proof));
    const payload = await verifiedPayload(proof, header, verify);
    return {
      header,
      claims: claimsSchema.parse(
        JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)),
      ),
    };
  } catch (cause) {
    throw new CountersignError('dpop_invalid', 'the DPoP proof does not verify', { cause });
  }
}

/** The header is of the strict schema: it has no member that would change what is signed, or how. */
async function verifiedPayload(
  proof: string,
  header: z.infer<typeof headerSchema>,
  verify: VerifySignature | undefined,
): Promise<Uint8Array> {
  const { alg, jwk } = header;
  if (verify === undefined || jwk.kty !== 'OKP' || alg !== 'Ed25519') {
    return (await compactVerify(proof, await importProofKey(header), { algorithms: [alg] })).payload;
  }
  const [head = '', claims = '', signature = ''] = proof.split('.');
  if (!(await verify(jwk, `${head}.${claims}`, signature))) throw new Error('the signature does not verify');
  return base64url.decode(claims);
}

async function importProofKey({ alg, jwk }: z.infer<typeof headerSchema>) {
  if (jwk.kty === 'OKP' && alg === 'Ed25519') return importSignatureKey(jwk);
  if (jwk.kty === 'EC' && alg === 'ES256') return importJWK(jwk, alg);
  throw new Error('the algorithm is not the key’s');
}

function withoutQuery(url: string): string {
  const parsed = new URL(url);
  return `${parsed.origin}${parsed.pathname}`;
}

/** RFC 9449 §4.3: compared without query and fragment, in the form that a URL parser gives both. */
function sameTarget(htu: string, url: string): boolean {
  return URL.canParse(htu) && (htu === url || withoutQuery(htu) === withoutQuery(url));
}
