import { CountersignError } from '../protocol/errors.ts';
import {
  type EncryptedValue,
  MAX_HOPS,
  PRE_SIZES,
  type PrePublicKey,
  type TransformKey,
} from './transform-engine.ts';

/** The prime of recrypt-256's field, big-endian. */
const FIELD_PRIME = hexBytes('8fb501e34aa387f9aa6fecb86184dc21ee5b88d120b5b59e185cac6c5e089667');

/** The prime order of its group, big-endian: a scalar equal to it is another name of zero. */
const GROUP_ORDER = hexBytes('8fb501e34aa387f9aa6fecb86184dc212e8d8e12f82b39241a2ef45b57ac7261');

const FIELD_BYTES = 32;

export function invalidInput(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('recrypt_input_invalid', detail, { cause });
}

/** Refuses anything but a byte string of exactly this length. */
export function checkBytes(value: unknown, length: number, name: string): void {
  if (!(value instanceof Uint8Array)) throw invalidInput(`${name} is not a byte string`);
  if (value.length !== length) throw invalidInput(`${name} must have ${length} bytes, not ${value.length}`);
}

/**
 * Refuses field elements at or above the prime. The library reduces them silently, so that one key or ciphertext
 * would have several encodings, and with them several thumbprints.
 */
export function checkFieldElements(value: unknown, length: number, name: string): void {
  checkBytes(value, length, name);
  const bytes = value as Uint8Array;
  for (let offset = 0; offset < length; offset += FIELD_BYTES) {
    if (!isBelowPrime(bytes.subarray(offset, offset + FIELD_BYTES)))
      throw invalidInput(`${name} is not canonical`);
  }
}

/** Shape and range only; whether it lies on the curve is the library's to say. */
export function checkPublicKey(value: PrePublicKey, name: string): void {
  checkRecord(value, name);
  checkFieldElements(value.x, PRE_SIZES.coordinate, `${name}.x`);
  checkFieldElements(value.y, PRE_SIZES.coordinate, `${name}.y`);
}

/** Refuses zero in both of its encodings, in time that does not depend on the key. */
export function checkPrivateKey(value: unknown, name: string): void {
  checkBytes(value, PRE_SIZES.privateKey, name);
  let zero = 0;
  let order = 0;
  for (const [index, byte] of (value as Uint8Array).entries()) {
    zero |= byte;
    order |= byte ^ (GROUP_ORDER[index] ?? 0);
  }
  if (zero === 0 || order === 0) throw invalidInput(`${name} is zero`);
}

export function checkTransformKey(key: TransformKey): void {
  checkRecord(key, 'transform key');
  checkPublicKey(key.ephemeralPublicKey, 'ephemeralPublicKey');
  checkPublicKey(key.toPublicKey, 'toPublicKey');
  checkFieldElements(key.encryptedTempKey, PRE_SIZES.tempKey, 'encryptedTempKey');
  checkFieldElements(key.hashedTempKey, PRE_SIZES.hashedTempKey, 'hashedTempKey');
  checkBytes(key.publicSigningKey, PRE_SIZES.signingPublicKey, 'publicSigningKey');
  checkBytes(key.signature, PRE_SIZES.signature, 'signature');
}

export function checkEncryptedValue(value: EncryptedValue, maxBlocks: number = MAX_HOPS): void {
  checkRecord(value, 'encrypted value');
  if (!Array.isArray(value.transformBlocks)) throw invalidInput('transformBlocks is not a list');
  if (value.transformBlocks.length > maxBlocks) {
    throw invalidInput(`at most ${maxBlocks} transform blocks are taken here`);
  }
  checkPublicKey(value.ephemeralPublicKey, 'ephemeralPublicKey');
  checkFieldElements(value.encryptedMessage, PRE_SIZES.encryptedMessage, 'encryptedMessage');
  checkBytes(value.authHash, PRE_SIZES.authHash, 'authHash');
  checkBytes(value.publicSigningKey, PRE_SIZES.signingPublicKey, 'publicSigningKey');
  checkBytes(value.signature, PRE_SIZES.signature, 'signature');
  for (const block of value.transformBlocks) {
    checkRecord(block, 'transform block');
    checkPublicKey(block.publicKey, 'publicKey');
    checkFieldElements(block.encryptedTempKey, PRE_SIZES.tempKey, 'encryptedTempKey');
    checkPublicKey(block.randomTransformPublicKey, 'randomTransformPublicKey');
    checkFieldElements(
      block.randomTransformEncryptedTempKey,
      PRE_SIZES.tempKey,
      'randomTransformEncryptedTempKey',
    );
  }
}

function checkRecord(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null) throw invalidInput(`${name} is missing`);
}

function isBelowPrime(element: Uint8Array): boolean {
  for (const [index, limit] of FIELD_PRIME.entries()) {
    const byte = element[index] ?? 0;
    if (byte !== limit) return byte < limit;
  }
  return false;
}

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
