import { decodeBase64, encodeBase64 } from './base64.ts';
import { HASH_BYTES } from './merkle.ts';

/** The hashes of a proof, one on each line. */
export function formatHashLines(hashes: readonly Uint8Array[]): string {
  return hashes.map((hash) => `${encodeBase64(hash)}\n`).join('');
}

/** A tree of 2^63 leaves has no longer proof (C2SP tlog-witness). */
const MAX_HASHES = 63;

/** The hashes on these lines, or `undefined` when one is none or there are more than any proof has. */
export function parseHashLines(lines: readonly string[]): Uint8Array[] | undefined {
  if (lines.length > MAX_HASHES) return undefined;
  const hashes = lines.flatMap((line) => decodeBase64(line, HASH_BYTES) ?? []);
  return hashes.length === lines.length ? hashes : undefined;
}

/** A number in decimal without zeros in front, below 2^53; `undefined` for every other text. */
export function parseDecimal(text: string): number | undefined {
  const value = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(value) ? value : undefined;
}
