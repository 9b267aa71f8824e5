import { concatBytes, utf8 } from '../bytes.ts';
import { CountersignError } from '../errors.ts';

/** What the key log holds versions of (PROTOCOL §7). */
export type LoggedKind = 'address' | 'policy' | 'trust-change';

const KIND_BYTES: Record<LoggedKind, number> = { address: 1, policy: 2, 'trust-change': 3 };

/** The length stands in one byte of the VRF input. */
const LABEL_MAX = 255;

/** Above every version that a ladder can ask for: versions are u32, and the ladder of n looks above n. */
export const VERSION_LIMIT = 0xffff_ffff;

/**
 * The label of a name: `u8 kind ‖ name`, 255 bytes at most. The name must be in its one form already (an address by
 * `parseAddress`). Throws `claims_invalid`.
 */
export function label(kind: LoggedKind, name: string): Uint8Array<ArrayBuffer> {
  const bytes = utf8(name);
  if (bytes.length === 0 || bytes.length >= LABEL_MAX || !name.isWellFormed()) {
    throw new CountersignError('claims_invalid', 'the name cannot be logged: empty, malformed or too long');
  }
  return concatBytes(Uint8Array.of(KIND_BYTES[kind]), bytes);
}

/** What the VRF is evaluated on (KEYTRANS): `u8 length ‖ label ‖ u32 version`. Throws `claims_invalid`. */
export function vrfInput(labelBytes: Uint8Array, version: number): Uint8Array<ArrayBuffer> {
  return concatBytes(Uint8Array.of(labelBytes.length), labelBytes, versionBytes(version));
}

/** A version as u32, big-endian. Throws `claims_invalid`. */
export function versionBytes(version: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(version) || version < 0 || version > VERSION_LIMIT) {
    throw new CountersignError('claims_invalid', 'a version is a whole number of 32 bits');
  }
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, version);
  return bytes;
}
