import { encodeBase64url } from './base64url.ts';
import { equalBytes, utf8 } from './bytes.ts';
import { labelled } from './canonical-json.ts';
import { CountersignError } from './errors.ts';
import { sha256, sha256Base64url } from './hash.ts';
import { type EncryptionKey, type SignatureKey, thumbprint } from './public-key.ts';

/** The keys of a device that asks to be added, and the person it asks for. */
export interface DeviceKeys {
  readonly iss: string;
  readonly sub: string;
  readonly pre: EncryptionKey;
  readonly sig: SignatureKey;
}

/**
 * The 256-bit fingerprint that the new device shows and the approving device computes itself (PROTOCOL §9): base64url,
 * 43 characters, for a QR code or a link.
 */
export function deviceFingerprint(device: DeviceKeys): string {
  return sha256Base64url(labelled('device-fingerprint', described(device)));
}

/** The same fingerprint for people: groups of four characters. */
export function fingerprintInGroups(fingerprint: string): string {
  return fingerprint.match(/.{1,4}/g)?.join(' ') ?? fingerprint;
}

/** A fresh 32-byte nonce for the six digits. */
export function comparisonNonce(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** What the new device sends first: it binds the nonce before it can know the approver's. */
export function codeCommitment(device: DeviceKeys, nonce: string): string {
  return sha256Base64url(labelled('device-code-commitment', { device: described(device), nonce }));
}

/** Refuses a revealed nonce that is not the committed one. Throws `device_commitment`. */
export function assertCommitment(device: DeviceKeys, nonce: string, commitment: string): void {
  if (!equalBytes(utf8(codeCommitment(device, nonce)), utf8(commitment))) {
    throw new CountersignError('device_commitment', 'the revealed nonce is not the one committed to');
  }
}

/**
 * Six digits over both devices' keys and nonces. Who sits in between had to fix each nonce before seeing the other,
 * so it has one try in a million, and the people notice the failed one.
 */
export function comparisonCode(
  device: { readonly keys: DeviceKeys; readonly nonce: string },
  approver: { readonly sig: SignatureKey; readonly nonce: string },
): string {
  const digest = sha256(
    labelled('device-code', {
      device: described(device.keys),
      device_nonce: device.nonce,
      approver: thumbprint(approver.sig),
      approver_nonce: approver.nonce,
    }),
  );
  const number = new DataView(digest.buffer, digest.byteOffset).getBigUint64(0) % 1_000_000n;
  return number.toString().padStart(6, '0');
}

function described(device: DeviceKeys) {
  return { iss: device.iss, sub: device.sub, pre: { ...device.pre }, sig: { ...device.sig } };
}
