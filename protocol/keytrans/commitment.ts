import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { versionBytes } from './label.ts';

/** Bytes of an opening: random, kept beside the record, deleted with it. */
export const OPENING_BYTES = 16;

/** Kc of the KEYTRANS cipher suite KT_128_SHA256_Ed25519: d821f8790d97709796b4d7903357c3f5. */
const KC = Uint8Array.of(
  ...[0xd8, 0x21, 0xf8, 0x79, 0x0d, 0x97, 0x70, 0x97],
  ...[0x96, 0xb4, 0xd7, 0x90, 0x33, 0x57, 0xc3, 0xf5],
);

export interface Committed {
  /** 16 random bytes. */
  readonly opening: Uint8Array;
  /** From `label`. */
  readonly label: Uint8Array;
  readonly version: number;
  /** What is committed to: a statement's bytes. */
  readonly value: Uint8Array;
}

/**
 * The commitment to a version's value, 32 bytes (KEYTRANS): HMAC-SHA256 under Kc of
 * `opening[16] ‖ u8 length ‖ label ‖ u32 version ‖ u32 length ‖ value`. It hides the value from whoever lacks the
 * opening. Throws `claims_invalid`.
 */
export function commit({ opening, label, version, value }: Committed): Uint8Array {
  if (opening.length !== OPENING_BYTES || label.length > 255) {
    throw new CountersignError('claims_invalid', 'the opening or the label has another length');
  }
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, value.length);
  return hmac(
    sha256,
    KC,
    concatBytes(opening, Uint8Array.of(label.length), label, versionBytes(version), length, value),
  );
}
