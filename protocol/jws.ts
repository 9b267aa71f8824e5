import { CompactSign, compactVerify, decodeProtectedHeader } from 'jose';
import * as z from 'zod/mini';
import { decodeBase64url } from './base64url.ts';
import { utf8 } from './bytes.ts';
import type { Json } from './canonical-json.ts';
import { importSignatureKey, type SigningKey } from './ed25519.ts';
import { CountersignError } from './errors.ts';
import { type SignatureKey, signatureKeySchema } from './public-key.ts';

/** Every kind of signed object of ours. One `typ`, one meaning: none passes for another. */
export type ObjectType =
  | 'key-binding+jwt'
  | 'identity-attributes+jwt'
  | 'device-endorsement+jwt'
  | 'device-binding+jwt'
  | 'presence+jwt'
  | 'presence-renewal+jwt'
  | 'escrow+jwt'
  | 'organization-escrow+jwt'
  | 'recovery-key+jwt'
  | 'online-keys+jwt'
  | 'partner-record+jwt'
  | 'policy-bundle+jwt'
  | 'entity-statement+jwt'
  | 'key-lookup-request+jwt'
  | 'key-lookup-response+jwt'
  | 'group-key+jwt'
  | 'group-key-receipt+jwt'
  | 'group-membership+jwt'
  | 'group-exclusion+jwt'
  | 'sealed-key+jwt'
  | 'key-opening-request+jwt'
  | 'key-opening-response+jwt'
  | 'sealed-key-deposit+jwt'
  | 'sealed-key-receipt+jwt'
  | 'group-view-request+jwt'
  | 'group-view-response+jwt'
  | 'group-memberships-request+jwt'
  | 'group-memberships-response+jwt'
  | 'meeting-rekey+jwt'
  | 'meeting-admission+jwt'
  | 'meeting-request+jwt'
  | 'meeting-response+jwt'
  | 'revocation-receipt+jwt'
  | 'secevent+jwt';

const headerSchema = z.strictObject({
  alg: z.string(),
  typ: z.string(),
  kid: z.string(),
  jwk: z.optional(signatureKeySchema),
});

/** Characters of a header: ours has four short members at most. */
const MAX_HEADER = 1024;

/** What a compact JWS says of itself, before anything is verified: attacker-controlled. */
export type UnverifiedHeader = z.infer<typeof headerSchema>;

/**
 * Signs `claims` as a compact JWS with `alg` Ed25519 (RFC 9864). `embedKey` puts the public key into the header, for
 * the one object (online keys) whose signer is found by thumbprint alone.
 */
export async function signJws(
  key: SigningKey,
  type: ObjectType,
  claims: Json,
  options?: { embedKey: boolean },
): Promise<string> {
  const header = {
    alg: 'Ed25519',
    typ: type,
    kid: key.kid,
    ...(options?.embedKey ? { jwk: key.publicKey } : {}),
  };
  return new CompactSign(utf8(JSON.stringify(claims))).setProtectedHeader(header).sign(key.privateKey);
}

/**
 * Verifies a compact JWS and answers its claims, parsed by `schema`.
 *
 * `findKey` chooses the key by the (unverified) header and throws if none may sign this. The order is parse the
 * header, hold `alg` and `typ` against the one allowed value, find the key, verify, and only then read the payload.
 * Throws `jws_malformed`, `jws_algorithm`, `jws_type`, `jws_signature`, `claims_invalid`, or what `findKey` throws.
 */
export async function verifyJws<Claims>(
  token: string,
  type: ObjectType,
  schema: z.ZodMiniType<Claims>,
  findKey: (header: UnverifiedHeader) => SignatureKey,
): Promise<Claims> {
  const header = readHeader(token);
  if (header.alg !== 'Ed25519') throw new CountersignError('jws_algorithm', 'only Ed25519 is taken');
  if (header.typ !== type) throw new CountersignError('jws_type', `expected ${type}`);
  if (header.jwk !== undefined && type !== 'online-keys+jwt') {
    throw new CountersignError('jws_malformed', `a ${type} does not carry its key`);
  }
  const key = await importSignatureKey(findKey(header));
  let payload: Uint8Array;
  try {
    ({ payload } = await compactVerify(token, key, { algorithms: ['Ed25519'] }));
  } catch (cause) {
    throw new CountersignError('jws_signature', `the signature of the ${type} does not verify`, { cause });
  }
  return parseClaims(payload, type, schema);
}

/**
 * Whether a text has the form of a compact JWS with a signature of 64 bytes. The last of its 86 characters carries two
 * bits; with the other four free, one token would have 16 forms.
 */
export function isCompactJws(text: string): boolean {
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]$/.test(text);
}

/** The header of a compact JWS as it stands. Throws `jws_malformed`. */
export function readHeader(token: string): UnverifiedHeader {
  if (!isCompactJws(token)) throw new CountersignError('jws_malformed');
  if (token.indexOf('.') > MAX_HEADER) throw new CountersignError('jws_malformed', 'the header is too long');
  let header: unknown;
  try {
    header = decodeProtectedHeader(token);
  } catch (cause) {
    throw new CountersignError('jws_malformed', 'the header does not parse', { cause });
  }
  const parsed = headerSchema.safeParse(header);
  if (!parsed.success) {
    throw new CountersignError('jws_malformed', 'the header has members that are not allowed', {
      cause: parsed.error,
    });
  }
  return parsed.data;
}

/**
 * The claims of a compact JWS without verifying anything: only to find out under which key to verify. The result is
 * attacker-controlled. Throws `jws_malformed`, `jws_type`, `claims_invalid`.
 */
export function decodeClaims<Claims>(token: string, type: ObjectType, schema: z.ZodMiniType<Claims>): Claims {
  if (readHeader(token).typ !== type) throw new CountersignError('jws_type', `expected ${type}`);
  return parseClaims(decodePayload(token), type, schema);
}

function decodePayload(token: string): Uint8Array {
  try {
    return decodeBase64url(token.split('.')[1] ?? '');
  } catch (cause) {
    throw new CountersignError('jws_malformed', 'the payload is not base64url', { cause });
  }
}

/** Holds `iat`, `nbf` and `exp` (seconds) against the clock, with a tolerance for clocks that differ. */
export function assertTimes(
  claims: { iat: number; nbf?: number | undefined; exp: number },
  now: number,
  skew: number = CLOCK_SKEW,
): void {
  // Every comparison with a clock that gives no number is false: nothing would ever expire.
  if (!Number.isFinite(now)) throw new CountersignError('internal', 'the clock gives no time');
  if (claims.exp <= claims.iat) throw new CountersignError('claims_invalid', 'exp is not after iat');
  if (now >= claims.exp + skew) throw new CountersignError('jws_expired');
  if (now < (claims.nbf ?? claims.iat) - skew || now < claims.iat - skew)
    throw new CountersignError('jws_not_yet_valid');
}

/** Seconds that two well-kept clocks may differ. */
export const CLOCK_SKEW = 60;

/** Characters of an error's detail, which may quote names that the sender chose. */
const MAX_DETAIL = 256;

function parseClaims<Claims>(payload: Uint8Array, type: ObjectType, schema: z.ZodMiniType<Claims>): Claims {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload));
  } catch (cause) {
    throw new CountersignError('claims_invalid', `the ${type} is not JSON`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const where = parsed.error.issues[0];
    const detail = `${type}: ${where?.path.join('.')} ${where?.message}`.slice(0, MAX_DETAIL);
    throw new CountersignError('claims_invalid', detail, { cause: parsed.error });
  }
  return parsed.data;
}
