import { decodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { EncryptionKey, SignatureKey } from '../../protocol/public-key.ts';
import {
  decodeEncryptedValue,
  decodeTransformKey,
  encodeTransformKey,
  encryptedValueBytes,
  preFromJwk,
} from '../../recrypt/encoding.ts';
import type { PrePrivateKey } from '../../recrypt/transform-engine.ts';
import type { Signer } from '../signer/signer.ts';
import { ENROLMENTS } from '../transforms/transforms.ts';
import type { BindingDeps } from './services.ts';

/** What a transform key is tried with. */
export type TransformKeyDeps = Pick<BindingDeps, 'engine' | 'transforms' | 'signer'>;

/** Whose sealed transform key it is; part of what it is sealed with. */
export interface TransformKeyName {
  readonly sub: string;
  readonly deviceId: string;
  readonly keyVersion: number;
}

/** A transform key u→D as a client sends it, and what it must be for. */
export interface OfferedTransformKey {
  /** Whose it is. */
  readonly sub: string;
  readonly encoded: Uint8Array;
  /** D. */
  readonly deviceKey: EncryptionKey;
  /** The person's `sig`. */
  readonly personSig: SignatureKey;
  /** s. */
  readonly share: PrePrivateKey;
  /** Sealed to U′ by the client: what the key must be able to transform. */
  readonly vault: Uint8Array;
}

/**
 * Refuses a transform key that is not exactly from this person to this device; answers it augmented with s, so that
 * it serves what is encrypted to U′. The vault is put through it once, by the workers: the library verifies the key's
 * signature only there, and what could not be opened later is refused now.
 *
 * Throws `transform_key_mismatch` for another device or signer, `recrypt_input_invalid` for what is malformed, `overloaded`
 * and `unavailable` as transforms do.
 */
export async function augmentedTransformKey(
  { engine, transforms, signer }: TransformKeyDeps,
  offered: OfferedTransformKey,
): Promise<Uint8Array> {
  const key = decodeTransformKey(offered.encoded);
  const device = preFromJwk(engine, offered.deviceKey);
  if (!equalBytes(key.toPublicKey.x, device.x) || !equalBytes(key.toPublicKey.y, device.y)) {
    throw new CountersignError('transform_key_mismatch', 'the transform key leads to another device');
  }
  if (!equalBytes(key.publicSigningKey, decodeBase64url(offered.personSig.x, 32))) {
    throw new CountersignError('transform_key_mismatch', 'the transform key is not signed by the person');
  }
  const augmented = engine.augmentTransformKey(key, offered.share);
  const encoded = encodeTransformKey(augmented);
  await transforms.run({
    ...{ encrypted: offered.vault, box: true, keys: [Uint8Array.from(encoded)], maxBlocks: 0 },
    ...{ priority: 'join', turn: [signer.iss, ENROLMENTS, offered.sub] },
  });
  return encoded;
}

/** Refuses a vault that is not sealed by the client itself: transforms are for the bridge to do (PROTOCOL §10). */
export function assertUntransformed(vault: Uint8Array): void {
  decodeEncryptedValue(vault.subarray(1, 1 + encryptedValueBytes(0)), { maxBlocks: 0 });
}

export function sealTransformKey(
  signer: Signer,
  name: TransformKeyName,
  encoded: Uint8Array,
): Promise<Uint8Array> {
  return signer.seal(transformKeyContext(name), encoded);
}

/** Throws `seal_broken` for one that was sealed for another person, device or key version. */
export function openTransformKey(
  signer: Signer,
  name: TransformKeyName,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  return signer.open(transformKeyContext(name), sealed);
}

export function sealShare(
  signer: Signer,
  name: { sub: string; keyVersion: number },
  share: PrePrivateKey,
): Promise<Uint8Array> {
  return signer.seal(shareContext(name), share);
}

/** Throws `seal_broken` for one that was sealed for another person or key version. */
export function openShare(
  signer: Signer,
  name: { sub: string; keyVersion: number },
  sealed: Uint8Array,
): Promise<PrePrivateKey> {
  return signer.open(shareContext(name), sealed);
}

/** What a stored transform key is sealed in. */
export function transformKeyContext({ sub, deviceId, keyVersion }: TransformKeyName) {
  return { kind: 'transform-key', sub, device: deviceId, key_version: keyVersion };
}

/** What a stored share is sealed in. */
export function shareContext({ sub, keyVersion }: { sub: string; keyVersion: number }) {
  return { kind: 'share', sub, key_version: keyVersion };
}
