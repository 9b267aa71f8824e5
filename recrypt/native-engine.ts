import { CountersignError } from '../protocol/errors.ts';
import { createTransformEngine, type RecryptLibrary } from './library-engine.ts';
import type { TransformEngine } from './transform-engine.ts';
import {
  type EncryptedValueOf,
  type KeyPairOf,
  mapEncryptedValue,
  mapPublicKey,
  mapTransformKey,
  type PublicKeyOf,
  type SigningKeyPairOf,
  type TransformKeyOf,
} from './value-mapping.ts';

/** The calls of @ironcorelabs/recrypt-node-binding 0.9 that we use. It is optional, so its own types are not. */
export interface NativeModule {
  readonly Api256: new () => NativeApi;
  augmentTransformKey256(key: TransformKeyOf<Buffer>, share: Buffer): TransformKeyOf<Buffer>;
  augmentPublicKey256(left: PublicKeyOf<Buffer>, right: PublicKeyOf<Buffer>): PublicKeyOf<Buffer>;
  addPrivateKeys(left: Buffer, right: Buffer): Buffer;
  subtractPrivateKeys(left: Buffer, right: Buffer): Buffer;
}

interface NativeApi {
  generateKeyPair(): KeyPairOf<Buffer>;
  generateEd25519KeyPair(): SigningKeyPairOf<Buffer>;
  generatePlaintext(): Buffer;
  deriveSymmetricKey(plaintext: Buffer): Buffer;
  computePublicKey(privateKey: Buffer): PublicKeyOf<Buffer>;
  generateTransformKey(from: Buffer, to: PublicKeyOf<Buffer>, signingKey: Buffer): TransformKeyOf<Buffer>;
  encrypt(plaintext: Buffer, to: PublicKeyOf<Buffer>, signingKey: Buffer): EncryptedValueOf<Buffer>;
  transform(
    value: EncryptedValueOf<Buffer>,
    key: TransformKeyOf<Buffer>,
    signingKey: Buffer,
  ): EncryptedValueOf<Buffer>;
  decrypt(value: EncryptedValueOf<Buffer>, privateKey: Buffer): Buffer;
  schnorrSign(privateKey: Buffer, publicKey: PublicKeyOf<Buffer>, message: Buffer): Buffer;
  schnorrVerify(
    publicKey: PublicKeyOf<Buffer>,
    share: Buffer | undefined,
    message: Buffer,
    signature: Buffer,
  ): boolean;
}

const MODULE_FUNCTIONS = [
  'Api256',
  'augmentTransformKey256',
  'augmentPublicKey256',
  'addPrivateKeys',
  'subtractPrivateKeys',
] as const satisfies (keyof NativeModule)[];

/** The engine over the native addon, given whatever its package exports. Throws `recrypt_unavailable`. */
export function createNativeEngine(module: unknown, version: string): TransformEngine {
  if (!isNativeModule(module)) {
    throw new CountersignError('recrypt_unavailable', 'the native addon lacks functions that are needed');
  }
  return createTransformEngine('native', version, nativeLibrary(module));
}

function isNativeModule(module: unknown): module is NativeModule {
  if (typeof module !== 'object' || module === null) return false;
  const members = new Map<string, unknown>(Object.entries(module));
  return MODULE_FUNCTIONS.every((name) => typeof members.get(name) === 'function');
}

function nativeLibrary(native: NativeModule): RecryptLibrary {
  const api = new native.Api256();
  return {
    generateKeyPair() {
      const pair = api.generateKeyPair();
      return { privateKey: toBytes(pair.privateKey), publicKey: mapPublicKey(pair.publicKey, toBytes) };
    },
    generateSigningKeyPair() {
      const pair = api.generateEd25519KeyPair();
      return { privateKey: toBytes(pair.privateKey), publicKey: toBytes(pair.publicKey) };
    },
    computePublicKey: (privateKey) => mapPublicKey(api.computePublicKey(toBuffer(privateKey)), toBytes),
    generatePlaintext: () => toBytes(api.generatePlaintext()),
    deriveSymmetricKey: (plaintext) => toBytes(api.deriveSymmetricKey(toBuffer(plaintext))),
    encrypt: (plaintext, to, signingKey) =>
      mapEncryptedValue(api.encrypt(toBuffer(plaintext), pointIn(to), toBuffer(signingKey)), toBytes),
    transform(value, key, signingKey) {
      const valueIn = mapEncryptedValue(value, toBuffer);
      const result = api.transform(valueIn, mapTransformKey(key, toBuffer), toBuffer(signingKey));
      return mapEncryptedValue(result, toBytes);
    },
    decrypt: (value, privateKey) =>
      toBytes(api.decrypt(mapEncryptedValue(value, toBuffer), toBuffer(privateKey))),
    generateTransformKey: (from, to, signingKey) =>
      mapTransformKey(api.generateTransformKey(toBuffer(from), pointIn(to), toBuffer(signingKey)), toBytes),
    augmentTransformKey: (key, share) =>
      mapTransformKey(
        native.augmentTransformKey256(mapTransformKey(key, toBuffer), toBuffer(share)),
        toBytes,
      ),
    augmentPublicKey: (left, right) =>
      mapPublicKey(native.augmentPublicKey256(pointIn(left), pointIn(right)), toBytes),
    addPrivateKeys: (left, right) => toBytes(native.addPrivateKeys(toBuffer(left), toBuffer(right))),
    subtractPrivateKeys: (left, right) =>
      toBytes(native.subtractPrivateKeys(toBuffer(left), toBuffer(right))),
    schnorrSign: (privateKey, publicKey, message) =>
      toBytes(api.schnorrSign(toBuffer(privateKey), pointIn(publicKey), toBuffer(message))),
    schnorrVerify: (publicKey, share, message, signature) =>
      api.schnorrVerify(
        pointIn(publicKey),
        share === undefined ? undefined : toBuffer(share),
        toBuffer(message),
        toBuffer(signature),
      ),
  };
}

/** The addon takes Buffers only. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}

/** A plain copy: Buffers share their memory pool and differ in `slice`. */
function toBytes(buffer: Buffer): Uint8Array {
  return Uint8Array.from(buffer);
}

function pointIn(key: PublicKeyOf<Uint8Array>): PublicKeyOf<Buffer> {
  return mapPublicKey(key, toBuffer);
}
