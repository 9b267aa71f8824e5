import * as z from 'zod/mini';
import { parseAddress } from './address.ts';
import { entityId, id, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { CLOCK_SKEW, verifyJws } from './jws.ts';
import { assertKeyInUse, type OnlineKey, type OnlineKeys } from './online-keys.ts';

/**
 * How long after it was made a signal is taken, seconds: a receiver may have been out of reach for a long weekend, and
 * remembers every `jti` for as long.
 */
export const SIGNAL_LIFE = 7 * 24 * 60 * 60;

const eventUri = z.string().check(z.maxLength(256), z.regex(/^https:\/\/[\x21-\x7e]+$/));

/** RFC 9493. */
const emailSubject = z.strictObject({
  format: z.literal('email'),
  email: z.string().check(z.maxLength(254)),
});

/**
 * What a bridge tells a partner about somebody whom the partner's people looked up: a security event token (RFC 8417, SSF
 * 1.0), `secevent+jwt`, signed with the `federation` key. It has no `exp`: it reports what happened at `iat`.
 */
export const partnerSignalSchema = z.strictObject({
  iss: entityId,
  jti: id,
  iat: seconds,
  aud: entityId,
  /** Names the act that several signals may be about. */
  txn: z.string().check(z.minLength(1), z.maxLength(128)),
  sub_id: emailSubject,
  /** Exactly one member (CAEP interoperability profile): the event's URI, and what it says. */
  events: z
    .record(eventUri, z.record(z.string(), z.json()))
    .check(z.refine((events) => Object.keys(events).length === 1, 'must have exactly one member')),
});

export type PartnerSignal = z.infer<typeof partnerSignalSchema>;

/** A verified signal. */
export interface ReadPartnerSignal {
  readonly claims: PartnerSignal;
  /** In its one form, on one of the partner's domains. */
  readonly address: string;
  /** URI of the event. */
  readonly event: string;
  /** What the event says: the partner's words, of any form. */
  readonly said: Readonly<Record<string, unknown>>;
}

/**
 * Verifies a signal that a partner sent to `aud`, about somebody on `domains`. The caller takes each `jti` once. Throws
 * `jws_issuer`, `set_audience`, `set_subject`, `jws_expired`, `jws_not_yet_valid`, `jws_unknown_key`, `partner_expired` (its
 * keys, not the signal) and what `verifyJws` throws.
 */
export async function verifyPartnerSignal(
  token: string,
  partner: { readonly onlineKeys: OnlineKeys; readonly domains: readonly string[] },
  aud: string,
  now: number,
): Promise<ReadPartnerSignal> {
  const { onlineKeys } = partner;
  let key: OnlineKey | undefined;
  const claims = await verifyJws(token, 'secevent+jwt', partnerSignalSchema, ({ kid }) => {
    key = onlineKeys.find('federation', kid);
    return key.jwk;
  });
  if (key === undefined) throw new CountersignError('internal');
  if (claims.iss !== onlineKeys.iss) throw new CountersignError('jws_issuer', `expected ${onlineKeys.iss}`);
  assertKeyInUse(key, claims.iat);
  assertRecent(claims.iat, now);
  if (now >= onlineKeys.exp + CLOCK_SKEW) {
    throw new CountersignError('partner_expired', 'the online keys of the issuer have expired');
  }
  if (claims.aud !== aud) throw new CountersignError('set_audience', `expected ${aud}`);
  const [[event, said] = ['', {}]] = Object.entries(claims.events);
  return { claims, address: subjectOf(claims, partner.domains), event, said };
}

/** Throws `jws_expired`, `jws_not_yet_valid`. */
function assertRecent(iat: number, now: number): void {
  if (!(now < iat + SIGNAL_LIFE)) throw new CountersignError('jws_expired', 'the signal is too old');
  if (iat > now + CLOCK_SKEW) throw new CountersignError('jws_not_yet_valid');
}

function subjectOf({ sub_id: { email } }: PartnerSignal, domains: readonly string[]): string {
  const { address, domain } = parseAddress(email);
  if (address !== email) throw new CountersignError('set_subject', 'the address is not in its one form');
  if (!domains.includes(domain)) throw new CountersignError('set_subject', `${domain} is not the issuer’s`);
  return address;
}
