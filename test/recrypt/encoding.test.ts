import { beforeAll, describe, expect, test } from 'vitest';
import { isCountersignError } from '../../protocol/errors.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import {
  decodeEncryptedValue,
  decodeTransformKey,
  encodeEncryptedValue,
  encodeTransformKey,
  encryptedValueBytes,
  preFromJwk,
  preToJwk,
  TRANSFORM_KEY_BYTES,
} from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { EncryptedValue, TransformEngine, TransformKey } from '../../recrypt/transform-engine.ts';

// Not real keys: each member is filled with a byte of its own, so that the layout can be read off the hex.
const transformKey: TransformKey = {
  ephemeralPublicKey: { x: filled(0x01, 32), y: filled(0x02, 32) },
  toPublicKey: { x: filled(0x03, 32), y: filled(0x04, 32) },
  encryptedTempKey: filled(0x05, 384),
  hashedTempKey: filled(0x06, 128),
  publicSigningKey: filled(0xf7, 32),
  signature: filled(0xf8, 64),
};
const block = {
  publicKey: { x: filled(0x21, 32), y: filled(0x22, 32) },
  encryptedTempKey: filled(0x23, 384),
  randomTransformPublicKey: { x: filled(0x24, 32), y: filled(0x25, 32) },
  randomTransformEncryptedTempKey: filled(0x26, 384),
};
const encryptedValue: EncryptedValue = {
  ephemeralPublicKey: { x: filled(0x11, 32), y: filled(0x12, 32) },
  encryptedMessage: filled(0x13, 384),
  authHash: filled(0xf4, 32),
  publicSigningKey: filled(0xf5, 32),
  signature: filled(0xf6, 64),
  transformBlocks: [block],
};

describe('the bytes of a transform key', () => {
  test('are pinned, with every member in its place', () => {
    expect(hex(encodeTransformKey(transformKey))).toBe(
      '01' +
        '01'.repeat(32) +
        '02'.repeat(32) +
        '03'.repeat(32) +
        '04'.repeat(32) +
        '05'.repeat(384) +
        '06'.repeat(128) +
        'f7'.repeat(32) +
        'f8'.repeat(64),
    );
    expect(TRANSFORM_KEY_BYTES).toBe(737);
  });

  test('decode to the same transform key', () => {
    expect(decodeTransformKey(encodeTransformKey(transformKey))).toEqual(transformKey);
  });

  test('are refused with another version, cut short, with trailing bytes or out of range', () => {
    const bytes = encodeTransformKey(transformKey);
    expectInvalid(() => decodeTransformKey(new Uint8Array()));
    expectInvalid(() => decodeTransformKey(Uint8Array.of(2, ...bytes.subarray(1))));
    expectInvalid(() => decodeTransformKey(bytes.subarray(0, -1)));
    expectInvalid(() => decodeTransformKey(Uint8Array.of(...bytes, 0)));
    expectInvalid(() => decodeTransformKey(bytes.with(1, 0xff)));
    expectInvalid(() => decodeTransformKey(bytes.with(129, 0xff)));
    expectInvalid(() => decodeTransformKey(bytes.with(513, 0xff)));
  });

  test('are not made from a transform key that lacks a member', () => {
    const { hashedTempKey: _, ...incomplete } = transformKey;
    expectInvalid(() => encodeTransformKey(incomplete as TransformKey));
  });
});

describe('the bytes of a ciphertext', () => {
  test('are pinned, with every member in its place', () => {
    expect(hex(encodeEncryptedValue(encryptedValue))).toBe(
      '0101' +
        '11'.repeat(32) +
        '12'.repeat(32) +
        '13'.repeat(384) +
        'f4'.repeat(32) +
        'f5'.repeat(32) +
        'f6'.repeat(64) +
        '21'.repeat(32) +
        '22'.repeat(32) +
        '23'.repeat(384) +
        '24'.repeat(32) +
        '25'.repeat(32) +
        '26'.repeat(384),
    );
    expect([0, 1, 2, 3].map(encryptedValueBytes)).toEqual([578, 1474, 2370, 3266]);
  });

  test.each([0, 1, 2, 3])('decode to the same ciphertext with %i transform blocks', (blocks) => {
    const value = { ...encryptedValue, transformBlocks: Array.from({ length: blocks }, () => block) };
    expect(decodeEncryptedValue(encodeEncryptedValue(value), { maxBlocks: blocks })).toEqual(value);
  });

  test('are refused with more blocks than the receiver takes, whatever it takes', () => {
    const one = encodeEncryptedValue(encryptedValue);
    expectInvalid(() => decodeEncryptedValue(one, { maxBlocks: 0 }));
    const four = { ...encryptedValue, transformBlocks: Array.from({ length: 4 }, () => block) };
    expectInvalid(() => encodeEncryptedValue(four));
    const claimed = new Uint8Array(encryptedValueBytes(4)).fill(1).with(1, 4);
    expectInvalid(() => decodeEncryptedValue(claimed, { maxBlocks: 100 }));
  });

  test('are refused with another version, cut short, with trailing bytes or out of range', () => {
    const bytes = encodeEncryptedValue(encryptedValue);
    const limits = { maxBlocks: 3 };
    expectInvalid(() => decodeEncryptedValue(bytes.subarray(0, 1), limits));
    expectInvalid(() => decodeEncryptedValue(bytes.with(0, 2), limits));
    expectInvalid(() => decodeEncryptedValue(bytes.with(1, 0), limits));
    expectInvalid(() => decodeEncryptedValue(bytes.with(1, 2), limits));
    expectInvalid(() => decodeEncryptedValue(bytes.subarray(0, -1), limits));
    expectInvalid(() => decodeEncryptedValue(Uint8Array.of(...bytes, 0), limits));
    expectInvalid(() => decodeEncryptedValue(bytes.with(2, 0xff), limits));
    expectInvalid(() => decodeEncryptedValue(bytes.with(578, 0xff), limits));
  });

  test('do not share memory with the decoded ciphertext', () => {
    const bytes = encodeEncryptedValue(encryptedValue);
    const value = decodeEncryptedValue(bytes, { maxBlocks: 1 });
    bytes.fill(0);
    expect(value).toEqual(encryptedValue);
  });
});

describe('a public key as JWK', () => {
  let engine: TransformEngine;
  beforeAll(async () => {
    engine = await loadTransformEngine({ prefer: 'wasm' });
  });

  test('is pinned, and its thumbprint with it', () => {
    const two = new Uint8Array(32).with(31, 2);
    const jwk = preToJwk(engine.computePublicKey(two));
    expect(jwk).toEqual({
      kty: 'EC',
      crv: 'recrypt-256',
      x: 'CPtQHjSqOH-apv7LhhhNwh7luI0SC1tZ4YXKxsXgiWU',
      y: 'iPiFzKMj3Zn2cq2fvPKh0FcvPmdTLTEarzhUV0mgL1o',
    });
    expect(thumbprint(jwk)).toBe('6Awu2v9v0OMthDMh8XxOijHyi-kh_WpClFoKuU5FFIE');
  });

  test('leads back to the key', () => {
    const { publicKey } = engine.generateKeyPair();
    expect(preFromJwk(engine, preToJwk(publicKey))).toEqual(publicKey);
  });

  test('is refused when it is not exactly a point of this curve in its one form', () => {
    const jwk = preToJwk(engine.generateKeyPair().publicKey);
    const faults: unknown[] = [
      null,
      'text',
      { ...jwk, crv: 'P-256' },
      { ...jwk, kty: 'OKP' },
      { ...jwk, d: jwk.x },
      { ...jwk, x: jwk.y, y: jwk.x },
      { ...jwk, x: jwk.x.slice(1) },
      { ...jwk, x: `${jwk.x}=` },
      { ...jwk, x: `${jwk.x.slice(0, 42)}_` },
      { ...jwk, x: '_'.repeat(42).concat('8') },
      { kty: jwk.kty, crv: jwk.crv, x: jwk.x },
    ];
    for (const fault of faults) expectInvalid(() => preFromJwk(engine, fault));
  });
});

function filled(byte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function expectInvalid(run: () => unknown): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(isCountersignError(thrown, 'recrypt_input_invalid'), String(thrown)).toBe(true);
}
