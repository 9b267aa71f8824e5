import { randomBytes } from 'node:crypto';

/** Crockford's base32: no I, L, O or U, so that it survives being read out and typed. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * A new trace id (`7K2M-Q4XD-0ZTB`, 60 random bits): what the person whose sign-in failed reads to the help desk,
 * and what stands in the event that says why. It opens nothing.
 */
export function newTraceId(): string {
  const characters = Array.from(randomBytes(12), (byte) => ALPHABET[byte % 32]).join('');
  return (characters.match(/.{4}/g) ?? []).join('-');
}

/** The trace id that a person typed: case, spaces and look-alikes do not matter. `undefined` if it is none. */
export function parseTraceId(typed: string): string | undefined {
  const characters = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  if (!/^[0-9A-HJKMNP-TV-Z]{12}$/.test(characters)) return undefined;
  return (characters.match(/.{4}/g) ?? []).join('-');
}
