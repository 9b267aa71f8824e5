import { CountersignError } from './errors.ts';

/** An address in its one form: ASCII local part and A-label domain, both lower-cased (PROTOCOL §0). */
export interface Address {
  readonly address: string;
  readonly local: string;
  readonly domain: string;
}

const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** All digits, or hexadecimal: a URL parser would read the name as an IPv4 address. */
const NUMERIC_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/;
const DOMAIN_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The address that `text` names. Letter case is lowered; everything else that is not already in the one form
 * (Unicode, quoting, a trailing dot, spaces) is refused and never folded, because two folds that differ would make
 * two people one. Throws `address_invalid`.
 */
export function parseAddress(text: string): Address {
  if (text.length > 254 || !/^[\x21-\x7e]+$/.test(text)) {
    throw new CountersignError('address_invalid', 'an address is printable ASCII of at most 254 characters');
  }
  const lower = text.toLowerCase();
  const at = lower.indexOf('@');
  const local = lower.slice(0, at);
  const domain = lower.slice(at + 1);
  if (at < 1 || local.length > 64 || !LOCAL.test(local)) {
    throw new CountersignError('address_invalid', 'the local part is not in the plain form');
  }
  return { address: `${local}@${parseDomain(domain)}`, local, domain };
}

/** A domain in its one form: lower-case A-labels, at least two, no trailing dot. Throws `address_invalid`. */
export function parseDomain(text: string): string {
  // ASCII first: lowering the Kelvin sign gives a plain k, which would be a fold.
  const domain = text.length <= 253 && /^[\x21-\x7e]+$/.test(text) ? text.toLowerCase() : '';
  const labels = domain.split('.');
  const lastLabel = labels.at(-1) ?? '';
  const wellFormed = labels.length >= 2 && labels.every((label) => DOMAIN_LABEL.test(label));
  if (!wellFormed || NUMERIC_LABEL.test(lastLabel)) {
    throw new CountersignError('address_invalid', 'the domain is not a name in A-label form');
  }
  return domain;
}
