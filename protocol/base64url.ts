import { CountersignError } from './errors.ts';

/** base64url without padding (RFC 4648 §5). */
export function encodeBase64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The bytes of a base64url text. Only the one canonical form is taken, so that two texts never name the same bytes.
 * Throws `malformed_request`.
 */
export function decodeBase64url(text: string, length?: number): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new CountersignError('malformed_request', 'not base64url');
  let binary: string;
  try {
    binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch (cause) {
    throw new CountersignError('malformed_request', 'not base64url', { cause });
  }
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (length !== undefined && bytes.length !== length) {
    throw new CountersignError('malformed_request', `expected ${length} bytes, got ${bytes.length}`);
  }
  if (encodeBase64url(bytes) !== text) {
    throw new CountersignError('malformed_request', 'not canonical base64url');
  }
  return bytes;
}
