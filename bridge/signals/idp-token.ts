import { compactVerify, decodeProtectedHeader, errors } from 'jose';
import * as z from 'zod';
import { CountersignError } from '../../protocol/errors.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import { SIGNAL_LIFE } from '../../protocol/partner-signal.ts';
import { KEY_SET_PAUSE_MS } from '../lib/limits.ts';
import { isKeySetFault, type PublishedKeys, unreachable } from './key-sets.ts';
import type { Transmitter } from './transmitter.ts';

/** What identity providers sign with. RSA keys below 2048 bits are refused by the library. */
const ALGORITHMS = ['RS256', 'ES256'];

const text = z.string().min(1).max(512);
const time = z.int().nonnegative();

/**
 * A security event token as SSF 1.0 has it: no `sub` and no `exp`, so that no other token of the same issuer passes for
 * one; one event.
 */
const claimsSchema = z.looseObject({
  iss: text,
  jti: z.string().min(1).max(255),
  iat: time,
  aud: z.union([text, z.array(text).min(1).max(16)]),
  txn: z.string().max(255).optional(),
  sub_id: z.looseObject({ format: z.string().max(64) }),
  events: z
    .record(z.string().max(512), z.looseObject({ event_timestamp: time.optional() }))
    .refine((events) => Object.keys(events).length === 1, 'must have exactly one member'),
  sub: z.undefined().optional(),
  exp: z.undefined().optional(),
});

export type SubjectId = z.infer<typeof claimsSchema>['sub_id'];

/** A verified token. */
export interface IdpToken {
  readonly jti: string;
  readonly iat: number;
  readonly txn: string | undefined;
  readonly subject: SubjectId;
  /** URI of the event. */
  readonly event: string;
  /** What it says: the sender's words. */
  readonly said: Readonly<Record<string, unknown>>;
}

/**
 * Verifies what a transmitter signed. The caller takes each `jti` once. Throws `set_invalid`, `set_key`, `set_issuer`,
 * `set_audience`, `jws_expired`, `jws_not_yet_valid`; `upstream_unreachable` where its keys cannot be had, `unavailable` where
 * they were read too short a time ago to look for an unknown one.
 */
export async function verifyIdpToken(
  token: string,
  transmitter: Pick<Transmitter, 'issuer' | 'audience'>,
  keys: PublishedKeys,
  now: number,
): Promise<IdpToken> {
  assertType(token);
  const claims = parseClaims(await verifiedPayload(token, keys));
  if (claims.iss !== transmitter.issuer) throw new CountersignError('set_issuer');
  if (![claims.aud].flat().includes(transmitter.audience)) throw new CountersignError('set_audience');
  if (!(now < claims.iat + SIGNAL_LIFE)) throw new CountersignError('jws_expired', 'the signal is too old');
  if (claims.iat > now + CLOCK_SKEW) throw new CountersignError('jws_not_yet_valid');
  const [[event, said] = ['', {}]] = Object.entries(claims.events);
  const { jti, iat, txn, sub_id: subject } = claims;
  return { jti, iat, txn, subject, event, said };
}

/** RFC 8417 §2.3, RFC 8725 §3.11: the type is said, so that no token of another kind is taken for this one. */
function assertType(token: string): void {
  let typ: unknown;
  try {
    ({ typ } = decodeProtectedHeader(token));
  } catch (cause) {
    throw new CountersignError('set_invalid', 'this is no JWS', { cause });
  }
  if (typeof typ !== 'string' || typ.toLowerCase().replace(/^application\//, '') !== 'secevent+jwt') {
    throw new CountersignError('set_invalid', 'typ must be secevent+jwt');
  }
}

async function verifiedPayload(token: string, keys: PublishedKeys): Promise<Uint8Array> {
  const readJustNow = keys.coolingDown;
  try {
    const { payload } = await compactVerify(token, keys, { algorithms: ALGORITHMS });
    return payload;
  } catch (cause) {
    if (isKeySetFault(cause)) throw unreachable(cause);
    // A key may have been published since. Refused for good, the signal would be lost.
    if (readJustNow && cause instanceof errors.JWKSNoMatchingKey) {
      throw new CountersignError('unavailable', 'The keys were read a moment ago; send this again.', {
        ...{ cause, retryAfter: KEY_SET_PAUSE_MS / 1000 },
      });
    }
    throw new CountersignError('set_key', undefined, { cause });
  }
}

function parseClaims(payload: Uint8Array): z.infer<typeof claimsSchema> {
  try {
    return claimsSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)));
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const detail = issue === undefined ? 'it is not JSON' : `${issue.path.join('.')}: ${issue.message}`;
    throw new CountersignError('set_invalid', detail.slice(0, 256), { cause });
  }
}
