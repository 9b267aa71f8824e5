import { encodeBase64url } from '../base64url.ts';
import { concatBytes, utf8 } from '../bytes.ts';
import { verifyBytes } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import type { SignatureKey } from '../public-key.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { isKeyName } from './signed-note.ts';

/** What a key signs: a note as it is. */
export const ED25519_NOTE = 0x01;
/** What a key signs: that it saw a checkpoint at a time. */
export const ED25519_COSIGNATURE = 0x04;

/**
 * The types that we verify (C2SP signed-note). Others, ML-DSA-44 cosignatures (0x06) among them, are unknown keys: a
 * note may carry their signatures, and they are passed over.
 */
export type NoteKeyType = typeof ED25519_NOTE | typeof ED25519_COSIGNATURE;

/** A key that a verifier knows. */
export interface VerifierKey {
  readonly name: string;
  readonly type: NoteKeyType;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly keyId: number;
}

/** The first 32 bits of SHA-256(name ‖ 0x0A ‖ type ‖ public key). */
export function keyId(name: string, type: number, publicKey: Uint8Array): number {
  const hash = sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), publicKey));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
}

/** A key by its parts. Throws `key_invalid` when the name or the key can be none. */
export function verifierKey(name: string, type: NoteKeyType, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw new CountersignError('key_invalid', 'the name of the key is malformed');
  if (publicKey.length !== 32) throw new CountersignError('key_invalid', 'the Ed25519 key is not 32 bytes');
  return { name, type, publicKey, keyId: keyId(name, type, publicKey) };
}

/**
 * The key of a vkey, `name+hex id+base64(type ‖ public key)`. Throws `key_invalid`, for types that we do not verify
 * too: a trusted key that is passed over would be missed only when it counts.
 */
export function parseVerifierKey(vkey: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su.exec(vkey) ?? [];
  const blob = encoded === undefined ? undefined : decodeBase64(encoded, 33);
  const type = blob?.[0];
  if (name === undefined || blob === undefined) {
    throw new CountersignError('key_invalid', 'the verifier key is malformed');
  }
  if (type !== ED25519_NOTE && type !== ED25519_COSIGNATURE) {
    throw new CountersignError('key_invalid', 'the verifier key is of a type that is not supported');
  }
  const key = verifierKey(name, type, blob.subarray(1));
  if (hexOf(key.keyId) !== id) {
    throw new CountersignError('key_invalid', 'the id of the verifier key is another key’s');
  }
  return key;
}

/** The vkey of a key. */
export function formatVerifierKey({ name, type, publicKey, keyId }: VerifierKey): string {
  return `${name}+${hexOf(keyId)}+${encodeBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** Whether `signature` is the key's over exactly these bytes; never under a key of small order. */
export async function verifyWithKey(
  key: VerifierKey,
  message: Uint8Array<ArrayBuffer>,
  signature: Uint8Array,
): Promise<boolean> {
  return await verifyBytes(jwkOf(key), message, encodeBase64url(signature));
}

function jwkOf({ publicKey }: VerifierKey): SignatureKey {
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) };
}

function hexOf(id: number): string {
  return id.toString(16).padStart(8, '0');
}
