import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts';
import { concatBytes } from '../protocol/bytes.ts';
import { type EncryptionKey, encryptionKeySchema } from '../protocol/public-key.ts';
import { checkEncryptedValue, checkPublicKey, checkTransformKey, invalidInput } from './input-checks.ts';
import {
  type EncryptedValue,
  MAX_HOPS,
  PRE_SIZES,
  type PrePublicKey,
  type TransformBlock,
  type TransformEngine,
  type TransformKey,
} from './transform-engine.ts';

/*
 * Wire forms, version 1: members in fixed order with fixed lengths, behind one version byte. A change of any member
 * is a new version; decoders name the versions that they take. The bytes are pinned by tests.
 *
 *   public key       x[32] y[32]
 *   transform key    version[1] ephemeralPublicKey[64] toPublicKey[64] encryptedTempKey[384] hashedTempKey[128]
 *                    publicSigningKey[32] signature[64]
 *   encrypted value  version[1] blockCount[1] ephemeralPublicKey[64] encryptedMessage[384] authHash[32]
 *                    publicSigningKey[32] signature[64], then for each block
 *                    publicKey[64] encryptedTempKey[384] randomTransformPublicKey[64]
 *                    randomTransformEncryptedTempKey[384]
 */
const VERSION = 1;
const POINT = 2 * PRE_SIZES.coordinate;
const BLOCK = 2 * (POINT + PRE_SIZES.tempKey);
const ENCRYPTED_VALUE_HEAD =
  2 +
  POINT +
  PRE_SIZES.encryptedMessage +
  PRE_SIZES.authHash +
  PRE_SIZES.signingPublicKey +
  PRE_SIZES.signature;

/** Bytes of an encoded transform key. */
export const TRANSFORM_KEY_BYTES =
  1 +
  2 * POINT +
  PRE_SIZES.tempKey +
  PRE_SIZES.hashedTempKey +
  PRE_SIZES.signingPublicKey +
  PRE_SIZES.signature;

/** Bytes of an encoded ciphertext with this many transform blocks. */
export function encryptedValueBytes(blocks: number): number {
  return ENCRYPTED_VALUE_HEAD + blocks * BLOCK;
}

/** The key as JWK: `{kty: 'EC', crv: 'recrypt-256', x, y}`. */
export function preToJwk(key: PrePublicKey): EncryptionKey {
  checkPublicKey(key, 'public key');
  return { kty: 'EC', crv: 'recrypt-256', x: encodeBase64url(key.x), y: encodeBase64url(key.y) };
}

/**
 * The key of a JWK that anybody may have written: exactly these members, canonical coordinates, a point of the
 * curve. Throws `recrypt_input_invalid`.
 */
export function preFromJwk(engine: Pick<TransformEngine, 'validatePublicKey'>, jwk: unknown): PrePublicKey {
  const parsed = encryptionKeySchema.safeParse(jwk);
  if (!parsed.success) throw invalidInput('not a recrypt-256 public key', parsed.error);
  const key = { x: decodeCoordinate(parsed.data.x), y: decodeCoordinate(parsed.data.y) };
  engine.validatePublicKey(key);
  return key;
}

/** All members, `hashedTempKey` included: what hashes or authenticates a transform key uses these bytes. */
export function encodeTransformKey(key: TransformKey): Uint8Array<ArrayBuffer> {
  checkTransformKey(key);
  return concatBytes(
    Uint8Array.of(VERSION),
    ...point(key.ephemeralPublicKey),
    ...point(key.toPublicKey),
    key.encryptedTempKey,
    key.hashedTempKey,
    key.publicSigningKey,
    key.signature,
  );
}

/** Throws `recrypt_input_invalid`. That points lie on the curve is checked by the engine when the key is used. */
export function decodeTransformKey(bytes: Uint8Array): TransformKey {
  const reader = new FixedReader(bytes);
  reader.version();
  reader.expectTotal(TRANSFORM_KEY_BYTES);
  const key: TransformKey = {
    ephemeralPublicKey: reader.point(),
    toPublicKey: reader.point(),
    encryptedTempKey: reader.take(PRE_SIZES.tempKey),
    hashedTempKey: reader.take(PRE_SIZES.hashedTempKey),
    publicSigningKey: reader.take(PRE_SIZES.signingPublicKey),
    signature: reader.take(PRE_SIZES.signature),
  };
  checkTransformKey(key);
  return key;
}

export function encodeEncryptedValue(value: EncryptedValue): Uint8Array<ArrayBuffer> {
  checkEncryptedValue(value);
  return concatBytes(
    Uint8Array.of(VERSION, value.transformBlocks.length),
    ...point(value.ephemeralPublicKey),
    value.encryptedMessage,
    value.authHash,
    value.publicSigningKey,
    value.signature,
    ...value.transformBlocks.flatMap((block) => [
      ...point(block.publicKey),
      block.encryptedTempKey,
      ...point(block.randomTransformPublicKey),
      block.randomTransformEncryptedTempKey,
    ]),
  );
}

/**
 * `maxBlocks` is what this receiver takes from this sender (a bridge takes none from a client). Throws
 * `recrypt_input_invalid`. That points lie on the curve is checked by the engine when the value is used.
 */
export function decodeEncryptedValue(bytes: Uint8Array, limits: { maxBlocks: number }): EncryptedValue {
  const reader = new FixedReader(bytes);
  reader.version();
  const blocks = reader.byte();
  if (blocks > Math.min(limits.maxBlocks, MAX_HOPS)) {
    throw invalidInput(`${blocks} transform blocks are more than are taken here`);
  }
  reader.expectTotal(encryptedValueBytes(blocks));
  const head = {
    ephemeralPublicKey: reader.point(),
    encryptedMessage: reader.take(PRE_SIZES.encryptedMessage),
    authHash: reader.take(PRE_SIZES.authHash),
    publicSigningKey: reader.take(PRE_SIZES.signingPublicKey),
    signature: reader.take(PRE_SIZES.signature),
  };
  const value = { ...head, transformBlocks: Array.from({ length: blocks }, () => reader.block()) };
  checkEncryptedValue(value);
  return value;
}

/** Reads members of fixed length from bytes that an attacker may have made. */
class FixedReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    if (!(bytes instanceof Uint8Array)) throw invalidInput('not a byte string');
    this.#bytes = bytes;
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  version(): void {
    const version = this.byte();
    if (version !== VERSION) throw invalidInput(`unknown version ${version}`);
  }

  expectTotal(length: number): void {
    if (this.#bytes.length !== length) {
      throw invalidInput(`must have ${length} bytes, not ${this.#bytes.length}`);
    }
  }

  /** A copy, so that the value does not change with the buffer that it came in. */
  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw invalidInput('too short');
    const piece = Uint8Array.from(this.#bytes.subarray(this.#offset, end));
    this.#offset = end;
    return piece;
  }

  point(): PrePublicKey {
    return { x: this.take(PRE_SIZES.coordinate), y: this.take(PRE_SIZES.coordinate) };
  }

  block(): TransformBlock {
    return {
      publicKey: this.point(),
      encryptedTempKey: this.take(PRE_SIZES.tempKey),
      randomTransformPublicKey: this.point(),
      randomTransformEncryptedTempKey: this.take(PRE_SIZES.tempKey),
    };
  }
}

function point(key: PrePublicKey): [Uint8Array, Uint8Array] {
  return [key.x, key.y];
}

function decodeCoordinate(text: string): Uint8Array {
  try {
    return decodeBase64url(text, PRE_SIZES.coordinate);
  } catch (cause) {
    throw invalidInput('a coordinate is not canonical base64url', cause);
  }
}
