import * as z from 'zod/mini';
import { parseDomain } from './address.ts';

/** Members that recur in signed objects, in one form each. */

/**
 * Entity id of a bridge: an https origin without path, query, or trailing slash, as a URL parser writes it. At most 254
 * characters: a label of the log is one byte of kind and the name, at most 255 bytes together.
 */
export const entityId = z.string().check(
  z.maxLength(254),
  z.regex(/^https:\/\/[a-z0-9.-]+(?::[1-9][0-9]{0,4})?$/),
  z.refine((text) => URL.canParse(text) && new URL(text).origin === text),
);

/** A domain in its one form (see `parseDomain`). */
export const domainName = z.string().check(z.maxLength(253), z.refine(isDomainInOneForm));

/** Domains of one issuer, in its entity configuration and in records about it. The largest groups own some hundreds. */
export const ISSUER_DOMAINS = 256;

/** Text that people are shown: no control characters, line breaks, or overrides of the writing direction. */
export const displayText = (max: number) =>
  z.string().check(
    z.maxLength(max),
    z.refine((text) => text.isWellFormed() && !/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u.test(text)),
  );

/** 32 bytes as base64url, in the one form: the two bits that stand for nothing are zero. */
export const bytes32 = z.string().check(z.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/));

/** Seconds since the epoch. */
export const seconds = z.int().check(z.nonnegative());

/** A SHA-256 value or an RFC 7638 thumbprint, base64url. */
export const digest = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));

/** An Ed25519 signature, base64url. */
export const signature = z.string().check(z.regex(/^[A-Za-z0-9_-]{86}$/));

/** An opaque id of ours. */
export const id = z.string().check(z.minLength(1), z.maxLength(64), z.regex(/^[A-Za-z0-9_-]+$/));

/** A compact JWS, not yet verified. */
export const compactJws = z
  .string()
  .check(z.maxLength(65_536), z.regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/));

/** One byte or more, as base64url. */
export const bytes = (max: number) =>
  z.string().check(z.maxLength(Math.ceil((max * 4) / 3)), z.regex(/^[A-Za-z0-9_-]+$/));

/** What kind of participant an address stands for; peers see it, policy uses it. */
export const assurance = z.enum(['member', 'guest', 'room', 'gateway', 'recorder', 'bot']);
export type Assurance = z.infer<typeof assurance>;

function isDomainInOneForm(text: string): boolean {
  try {
    return parseDomain(text) === text;
  } catch {
    return false;
  }
}
