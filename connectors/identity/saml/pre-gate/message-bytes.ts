/** What arrives in the `SAMLResponse` form field (SAML Bindings §3.5.4), before anything reads it as XML. */

import { SAML_RESPONSE_BYTES } from '../../../../bridge/lib/limits.ts';
import { refuse } from '../refuse.ts';

/** base64 → UTF-8 text. Attacker-controlled on both sides. */
export function decodeMessage(field: string | undefined): string {
  if (field === undefined || field === '') refuse('saml_malformed', 'there is no SAMLResponse');
  checkSize(field.length, (SAML_RESPONSE_BYTES * 3) / 2);
  const bytes = decodeBase64(field);
  checkSize(bytes.length, SAML_RESPONSE_BYTES);
  return decodeUtf8(bytes);
}

export function checkSize(size: number, limit: number): void {
  if (size > limit) refuse('saml_too_large', 'the message is too large');
}

// Line breaks are allowed (RFC 2045 §6.8); Buffer.from would silently skip every other foreign character.
function decodeBase64(field: string): Buffer {
  const compact = field.replace(/[\r\n\t ]/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) {
    refuse('saml_malformed', 'the message is not base64');
  }
  return Buffer.from(compact, 'base64');
}

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return refuse('saml_malformed', 'the message is not UTF-8', error);
  }
}
