/**
 * The one door to proxy re-encryption: the port, its values and their sizes.
 *
 * All values are recrypt's 256-bit set. Everything is synchronous and computes on the calling thread (tens of
 * milliseconds for transforms and their decryption in WebAssembly): a server calls it from a worker.
 */

import type {
  EncryptedValueOf,
  KeyPairOf,
  PublicKeyOf,
  SigningKeyPairOf,
  TransformBlockOf,
  TransformKeyOf,
} from './value-mapping.ts';

/** A point of recrypt's curve y² = x³ + 3; both coordinates are 32 bytes, big-endian, below the field's prime. */
export type PrePublicKey = PublicKeyOf<Uint8Array>;

/** A scalar, 32 bytes, big-endian, never zero modulo the group's order. */
export type PrePrivateKey = Uint8Array;

export type PreKeyPair = KeyPairOf<Uint8Array>;

/** Ed25519 keys in the library's own form: the private key is 64 bytes, seed then public key. */
export type PreSigningKeyPair = SigningKeyPairOf<Uint8Array>;

/** What one transform adds to a ciphertext. */
export type TransformBlock = TransformBlockOf<Uint8Array>;

/** A ciphertext with as many blocks as it was transformed. */
export type EncryptedValue = EncryptedValueOf<Uint8Array>;

/**
 * Lets a proxy turn what was encrypted to one key into what another key decrypts. `signature` does not cover
 * `hashedTempKey`, which augmentation edits: whoever stores a transform key must authenticate all of it.
 */
export type TransformKey = TransformKeyOf<Uint8Array>;

/** Sizes in bytes. */
export const PRE_SIZES = {
  coordinate: 32,
  privateKey: 32,
  signingPrivateKey: 64,
  signingPublicKey: 32,
  signature: 64,
  plaintext: 384,
  encryptedMessage: 384,
  tempKey: 384,
  hashedTempKey: 128,
  authHash: 32,
} as const;

/** The longest way of a ciphertext: durable group, meeting group, user, device. More is refused everywhere. */
export const MAX_HOPS = 3;

/**
 * Every call validates its inputs before they reach the library, because a wrong length there is a trap rather
 * than an error. Any input may come from an attacker. Throws `recrypt_input_invalid` for a value that is malformed,
 * no point of the curve, not canonical or wrongly signed; `recrypt_decrypt_failed` for whatever `decrypt` finds wrong
 * beyond lengths and ranges; `recrypt_unavailable` when the library itself broke. Nothing is retried.
 */
export interface TransformEngine {
  readonly name: 'native' | 'wasm';
  /** Version of the package behind it. */
  readonly version: string;

  generateKeyPair(): PreKeyPair;
  computePublicKey(privateKey: PrePrivateKey): PrePublicKey;
  /** Refuses what is not a canonically encoded point of the curve (whose order is prime). */
  validatePublicKey(publicKey: PrePublicKey): void;
  generateSigningKeyPair(): PreSigningKeyPair;

  /** A random element of 384 bytes; other keys are derived from it. */
  generatePlaintext(): Uint8Array;
  /** 32 bytes: SHA-256 of the plaintext. A published hash of a plaintext is therefore a published key. */
  deriveSymmetricKey(plaintext: Uint8Array): Uint8Array;

  encrypt(plaintext: Uint8Array, to: PrePublicKey, signingPrivateKey: Uint8Array): EncryptedValue;
  /**
   * The ciphertext, one hop further. Signatures are checked against the keys embedded in their own values:
   * integrity, not authorization. A transform key that does not belong to the ciphertext is not noticed here;
   * its result does not decrypt.
   */
  transform(
    encrypted: EncryptedValue,
    transformKey: TransformKey,
    signingPrivateKey: Uint8Array,
  ): EncryptedValue;
  decrypt(encrypted: EncryptedValue, privateKey: PrePrivateKey): Uint8Array;

  generateTransformKey(from: PrePrivateKey, to: PrePublicKey, signingPrivateKey: Uint8Array): TransformKey;
  /** From a transform key made with u, the one that serves what is encrypted to U + S. */
  augmentTransformKey(transformKey: TransformKey, share: PrePrivateKey): TransformKey;
  /** U + S. Refuses S = −U, whose sum is no key. */
  augmentPublicKey(left: PrePublicKey, right: PrePublicKey): PrePublicKey;
  /** left + right modulo the group's order; a sum of zero is refused. */
  addPrivateKeys(left: PrePrivateKey, right: PrePrivateKey): PrePrivateKey;
  /** left − right modulo the group's order; a difference of zero is refused. */
  subtractPrivateKeys(left: PrePrivateKey, right: PrePrivateKey): PrePrivateKey;

  /** 64 bytes. `publicKey` is the key that verifiers will use: U itself, or the augmented U + S. */
  schnorrSign(privateKey: PrePrivateKey, publicKey: PrePublicKey, message: Uint8Array): Uint8Array;
  /**
   * `augmentedShare` is s when u signed for U + S. A share that makes up all of `publicKey` is refused: nothing
   * is left to sign with, and anybody could forge.
   */
  schnorrVerify(
    publicKey: PrePublicKey,
    message: Uint8Array,
    signature: Uint8Array,
    augmentedShare?: PrePrivateKey,
  ): boolean;
}
