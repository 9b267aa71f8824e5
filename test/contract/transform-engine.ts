import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../protocol/bytes.ts';
import { type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import { decodeEncryptedValue, encodeEncryptedValue, encodeTransformKey } from '../../recrypt/encoding.ts';
import type { PrePublicKey, TransformEngine } from '../../recrypt/transform-engine.ts';

const FIELD_PRIME = 0x8fb501e34aa387f9aa6fecb86184dc21ee5b88d120b5b59e185cac6c5e089667n;
const GROUP_ORDER = 0x8fb501e34aa387f9aa6fecb86184dc212e8d8e12f82b39241a2ef45b57ac7261n;

/** What every TransformEngine must do; `source` loads one, or says why there is none here. */
export function transformEngineContract(
  name: string,
  source: (() => Promise<TransformEngine>) | { readonly skip: string },
): void {
  if ('skip' in source) {
    test.skip(`the ${name} engine keeps the contract (skipped: ${source.skip})`);
    return;
  }

  describe(`the ${name} engine`, () => {
    let engine: TransformEngine;
    beforeAll(async () => {
      engine = await source();
    });

    function parties() {
      const user = engine.generateKeyPair();
      const share = engine.generateKeyPair();
      const device = engine.generateKeyPair();
      const signing = engine.generateSigningKeyPair().privateKey;
      const augmented = engine.augmentPublicKey(user.publicKey, share.publicKey);
      return { user, share, device, signing, augmented };
    }

    describe('keys', () => {
      test('the public key of a generated pair belongs to its private key', () => {
        const pair = engine.generateKeyPair();
        expect(engine.computePublicKey(pair.privateKey)).toEqual(pair.publicKey);
        engine.validatePublicKey(pair.publicKey);
      });

      test('an augmented public key belongs to the sum of the private keys', () => {
        const { user, share, augmented } = parties();
        const sum = engine.addPrivateKeys(user.privateKey, share.privateKey);
        expect(engine.computePublicKey(sum)).toEqual(augmented);
        expect(engine.subtractPrivateKeys(sum, share.privateKey)).toEqual(user.privateKey);
      });

      test('every byte string it gives is a plain Uint8Array', () => {
        const { user, augmented, device, signing } = parties();
        const key = engine.generateTransformKey(user.privateKey, device.publicKey, signing);
        const plaintext = engine.generatePlaintext();
        const value = engine.transform(engine.encrypt(plaintext, augmented, signing), key, signing);
        const given = [
          plaintext,
          engine.deriveSymmetricKey(plaintext),
          engine.schnorrSign(user.privateKey, user.publicKey, utf8('m')),
          engine.addPrivateKeys(user.privateKey, device.privateKey),
          ...leaves([user, augmented, signing, key, value]),
        ];
        expect(new Set(given.map((bytes) => Object.getPrototypeOf(bytes)))).toEqual(
          new Set([Uint8Array.prototype]),
        );
      });

      test('a point off the curve, the zero point and a second encoding of a point are refused', () => {
        const { x, y } = engine.generateKeyPair().publicKey;
        const zero = new Uint8Array(32);
        expectCode('recrypt_input_invalid', () => engine.validatePublicKey({ x: y, y: x }));
        expectCode('recrypt_input_invalid', () => engine.validatePublicKey({ x: zero, y: zero }));
        const second = secondEncoding(engine);
        expectCode('recrypt_input_invalid', () => engine.validatePublicKey(second));
        expectCode('recrypt_input_invalid', () => engine.augmentPublicKey(second, second));
      });

      test('zero is no private key, in neither of its encodings', () => {
        const { privateKey, publicKey } = engine.generateKeyPair();
        const signing = engine.generateSigningKeyPair().privateKey;
        for (const zero of [new Uint8Array(32), bigEndian(GROUP_ORDER)]) {
          expectCode('recrypt_input_invalid', () => engine.computePublicKey(zero));
          expectCode('recrypt_input_invalid', () => engine.generateTransformKey(zero, publicKey, signing));
          expectCode('recrypt_input_invalid', () => engine.addPrivateKeys(privateKey, zero));
        }
      });

      test('a sum that is zero is refused, as private and as public key', () => {
        const pair = engine.generateKeyPair();
        const negative = bigEndian(GROUP_ORDER - toBigInt(pair.privateKey));
        expectCode('recrypt_input_invalid', () => engine.addPrivateKeys(pair.privateKey, negative));
        expectCode('recrypt_input_invalid', () =>
          engine.subtractPrivateKeys(pair.privateKey, pair.privateKey),
        );
        expectCode('recrypt_input_invalid', () =>
          engine.augmentPublicKey(pair.publicKey, engine.computePublicKey(negative)),
        );
      });
    });

    describe('ciphertexts', () => {
      test('what is encrypted to a key decrypts with it and with no other', () => {
        const { user, device, signing } = parties();
        const plaintext = engine.generatePlaintext();
        const value = engine.encrypt(plaintext, user.publicKey, signing);
        expect(engine.decrypt(value, user.privateKey)).toEqual(plaintext);
        expectCode('recrypt_decrypt_failed', () => engine.decrypt(value, device.privateKey));
      });

      test('the symmetric key is 32 bytes and depends on the plaintext alone', () => {
        const plaintext = engine.generatePlaintext();
        expect(engine.deriveSymmetricKey(plaintext)).toHaveLength(32);
        expect(engine.deriveSymmetricKey(plaintext)).toEqual(engine.deriveSymmetricKey(plaintext.slice()));
        expect(engine.deriveSymmetricKey(plaintext)).not.toEqual(
          engine.deriveSymmetricKey(engine.generatePlaintext()),
        );
      });

      test('a transform key made from u and augmented with s serves what is encrypted to U + S', () => {
        const { user, share, device, signing, augmented } = parties();
        const plaintext = engine.generatePlaintext();
        const value = engine.encrypt(plaintext, augmented, signing);
        const half = engine.generateTransformKey(user.privateKey, device.publicKey, signing);
        const whole = engine.augmentTransformKey(half, share.privateKey);
        expect(engine.decrypt(engine.transform(value, whole, signing), device.privateKey)).toEqual(plaintext);

        const byHalf = engine.transform(value, half, signing);
        expectCode('recrypt_decrypt_failed', () => engine.decrypt(byHalf, device.privateKey));
        expectCode('recrypt_decrypt_failed', () => engine.decrypt(value, user.privateKey));
        expectCode('recrypt_decrypt_failed', () => engine.decrypt(value, share.privateKey));
      });

      test('a ciphertext goes three hops, group to group to user to device, and not a fourth', () => {
        const signing = engine.generateSigningKeyPair().privateKey;
        const chain = Array.from({ length: 5 }, () => engine.generateKeyPair());
        const plaintext = engine.generatePlaintext();
        const [first, ...others] = chain;
        if (first === undefined) throw new Error('no key');
        let value = engine.encrypt(plaintext, first.publicKey, signing);
        let holder = first;
        for (const next of others.slice(0, 3)) {
          const key = engine.generateTransformKey(holder.privateKey, next.publicKey, signing);
          value = engine.transform(value, key, signing);
          holder = next;
          expect(engine.decrypt(value, holder.privateKey)).toEqual(plaintext);
        }
        const beyond = engine.generateTransformKey(holder.privateKey, first.publicKey, signing);
        expectCode('recrypt_input_invalid', () => engine.transform(value, beyond, signing));
      });

      test('a transform key whose signed part was changed is refused', () => {
        const { user, device, signing } = parties();
        const value = engine.encrypt(engine.generatePlaintext(), user.publicKey, signing);
        const key = engine.generateTransformKey(user.privateKey, device.publicKey, signing);
        const other = engine.generateKeyPair().publicKey;
        expectCode('recrypt_input_invalid', () =>
          engine.transform(value, { ...key, toPublicKey: other }, signing),
        );
      });

      test('the library’s signature leaves hashedTempKey open, and the encoding covers it', () => {
        const { user, device, share, signing } = parties();
        const value = engine.encrypt(engine.generatePlaintext(), user.publicKey, signing);
        const key = engine.generateTransformKey(user.privateKey, device.publicKey, signing);
        const edited = engine.augmentTransformKey(key, share.privateKey);
        expect({ ...edited, hashedTempKey: key.hashedTempKey }).toEqual(key);
        engine.transform(value, edited, signing);
        expect(encodeTransformKey(edited)).not.toEqual(encodeTransformKey(key));
      });

      test('any changed byte of a ciphertext is refused, and the engine goes on working', () => {
        const { user, device, signing } = parties();
        const plaintext = engine.generatePlaintext();
        const key = engine.generateTransformKey(user.privateKey, device.publicKey, signing);
        const value = engine.transform(engine.encrypt(plaintext, user.publicKey, signing), key, signing);
        const encoded = encodeEncryptedValue(value);
        fc.assert(
          fc.property(fc.nat(encoded.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
            const changed = encoded.slice();
            changed[index] = (changed[index] ?? 0) ^ change;
            const code = codeOf(() =>
              engine.decrypt(decodeEncryptedValue(changed, { maxBlocks: 3 }), device.privateKey),
            );
            expect(['recrypt_input_invalid', 'recrypt_decrypt_failed']).toContain(code);
          }),
          { numRuns: 60 },
        );
        expect(engine.decrypt(value, device.privateKey)).toEqual(plaintext);
      });
    });

    describe('rotation of a user key', () => {
      test('u − f and s + f make the same public key', () => {
        const { user, share, augmented } = parties();
        const rotated = rotate(engine, user.privateKey, share.privateKey);
        expect(
          engine.augmentPublicKey(
            engine.computePublicKey(rotated.user),
            engine.computePublicKey(rotated.share),
          ),
        ).toEqual(augmented);
      });

      test('an old device keeps working, a new one can be added, and the stolen old u adds none', () => {
        const { user, share, device, signing, augmented } = parties();
        const stolen = engine.generateKeyPair();
        const added = engine.generateKeyPair();
        const plaintext = engine.generatePlaintext();
        const value = engine.encrypt(plaintext, augmented, signing);
        const old = engine.augmentTransformKey(
          engine.generateTransformKey(user.privateKey, device.publicKey, signing),
          share.privateKey,
        );
        const rotated = rotate(engine, user.privateKey, share.privateKey);
        function openWith(from: Uint8Array, to: { publicKey: PrePublicKey; privateKey: Uint8Array }) {
          const half = engine.generateTransformKey(from, to.publicKey, signing);
          const whole = engine.augmentTransformKey(half, rotated.share);
          return engine.decrypt(engine.transform(value, whole, signing), to.privateKey);
        }

        expect(engine.decrypt(engine.transform(value, old, signing), device.privateKey)).toEqual(plaintext);
        expect(openWith(rotated.user, added)).toEqual(plaintext);
        expectCode('recrypt_decrypt_failed', () => openWith(user.privateKey, stolen));
      });
    });

    describe('Schnorr signatures', () => {
      const message = utf8('transcript');

      test('a signature verifies for its key and message only', () => {
        const { user, device } = parties();
        const signature = engine.schnorrSign(user.privateKey, user.publicKey, message);
        expect(engine.schnorrVerify(user.publicKey, message, signature)).toBe(true);
        expect(engine.schnorrVerify(user.publicKey, utf8('other'), signature)).toBe(false);
        expect(engine.schnorrVerify(device.publicKey, message, signature)).toBe(false);
        expect(engine.schnorrVerify(user.publicKey, message, new Uint8Array(64))).toBe(false);
      });

      test('a signature by u for U + S verifies with the share and not without', () => {
        const { user, share, device, augmented } = parties();
        const signature = engine.schnorrSign(user.privateKey, augmented, message);
        expect(engine.schnorrVerify(augmented, message, signature, share.privateKey)).toBe(true);
        expect(engine.schnorrVerify(augmented, message, signature)).toBe(false);
        expect(engine.schnorrVerify(augmented, message, signature, device.privateKey)).toBe(false);
      });

      test('a share that is the whole key is refused, for anybody can then forge', () => {
        const share = engine.generateKeyPair();
        const nonce = engine.generateKeyPair();
        const forged = new Uint8Array(64);
        forged.set(bigEndian(toBigInt(nonce.publicKey.x) % GROUP_ORDER), 0);
        forged.set(nonce.privateKey, 32);
        expectCode('recrypt_input_invalid', () =>
          engine.schnorrVerify(share.publicKey, message, forged, share.privateKey),
        );
      });
    });

    test('every input of a wrong length or kind is refused before it reaches the library', () => {
      const { user, share, device, signing } = parties();
      const key = engine.generateTransformKey(user.privateKey, device.publicKey, signing);
      const plaintext = engine.generatePlaintext();
      const value = engine.transform(engine.encrypt(plaintext, user.publicKey, signing), key, signing);
      const message = utf8('m');
      const signature = engine.schnorrSign(user.privateKey, user.publicKey, message);
      const point = user.publicKey;
      const calls: [(...inputs: never[]) => unknown, unknown[]][] = [
        [engine.computePublicKey, [user.privateKey]],
        [engine.validatePublicKey, [point]],
        [engine.deriveSymmetricKey, [plaintext]],
        [engine.encrypt, [plaintext, point, signing]],
        [engine.transform, [value, key, signing]],
        [engine.decrypt, [value, device.privateKey]],
        [engine.generateTransformKey, [user.privateKey, point, signing]],
        [engine.augmentTransformKey, [key, share.privateKey]],
        [engine.augmentPublicKey, [point, device.publicKey]],
        [engine.addPrivateKeys, [user.privateKey, share.privateKey]],
        [engine.subtractPrivateKeys, [user.privateKey, share.privateKey]],
        [engine.schnorrSign, [user.privateKey, point]],
        [engine.schnorrVerify, [point, message, signature]],
      ];
      for (const [call, inputs] of calls) {
        for (const wrong of withOneLeafWrong(inputs)) {
          if (call === engine.schnorrVerify && wrong[1] !== message) continue; // a message may have any length
          expectCode('recrypt_input_invalid', () => call.apply(engine, wrong as never[]));
        }
      }
      expect(engine.computePublicKey(user.privateKey)).toEqual(user.publicKey);
    });

    test('a signing key whose halves do not belong together is refused', () => {
      const { user, signing } = parties();
      const broken = signing.map((byte, index) => (index === 63 ? byte ^ 1 : byte));
      expectCode('recrypt_input_invalid', () =>
        engine.encrypt(engine.generatePlaintext(), user.publicKey, broken),
      );
    });
  });
}

function rotate(engine: TransformEngine, user: Uint8Array, share: Uint8Array) {
  const next = engine.generateKeyPair().privateKey;
  const factor = engine.subtractPrivateKeys(user, next);
  return { user: next, share: engine.addPrivateKeys(share, factor) };
}

/** A valid point whose x is written with the field's prime added to it: the library alone would take it. */
function secondEncoding(engine: TransformEngine): PrePublicKey {
  for (;;) {
    const { x, y } = engine.generateKeyPair().publicKey;
    const shifted = toBigInt(x) + FIELD_PRIME;
    if (shifted < 1n << 256n) return { x: bigEndian(shifted), y };
  }
}

/** Copies of the inputs, in each of which one byte string is too short, too long or no byte string. */
function* withOneLeafWrong(inputs: readonly unknown[]): Generator<unknown[]> {
  for (const path of leafPaths(inputs)) {
    for (const spoil of [
      (bytes: Uint8Array) => bytes.slice(1),
      (bytes: Uint8Array) => Uint8Array.of(...bytes, 0),
      (bytes: Uint8Array) => Array.from(bytes),
      () => undefined,
    ]) {
      yield replaceAt(inputs, path, spoil) as unknown[];
    }
  }
}

function leafPaths(value: unknown): string[][] {
  if (value instanceof Uint8Array) return [[]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => leafPaths(member).map((path) => [key, ...path]));
}

function replaceAt(value: unknown, path: readonly string[], spoil: (bytes: Uint8Array) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return spoil(value as Uint8Array);
  const entries = Object.entries(value as object).map(([name, member]) => [
    name,
    name === key ? replaceAt(member, rest, spoil) : member,
  ]);
  return Array.isArray(value) ? entries.map(([, member]) => member) : Object.fromEntries(entries);
}

function leaves(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
}

function codeOf(run: () => unknown): ErrorCode | 'no error' {
  try {
    run();
  } catch (error) {
    if (isCountersignError(error)) return error.code;
    throw error;
  }
  return 'no error';
}

function expectCode(code: ErrorCode, run: () => unknown): void {
  expect(codeOf(run)).toBe(code);
}

function toBigInt(bytes: Uint8Array): bigint {
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function bigEndian(number: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((number >> BigInt(8 * (31 - index))) & 0xffn));
}
