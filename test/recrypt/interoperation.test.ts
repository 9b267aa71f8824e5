import { describe, expect, test } from 'vitest';
import { utf8 } from '../../protocol/bytes.ts';
import {
  decodeEncryptedValue,
  decodeTransformKey,
  encodeEncryptedValue,
  encodeTransformKey,
} from '../../recrypt/encoding.ts';
import { loadNativeEngine, loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { bufferModule, packaged } from './buffer-module.ts';

const wasm = await loadTransformEngine({ prefer: 'wasm' });

interoperate('WebAssembly and itself behind Buffers', () => loadNativeEngine(packaged(bufferModule(wasm))));

const native = installed();
if (typeof native === 'string') {
  // The package of the registry holds no binary (decision 3): this runs where one was fetched or built.
  test.skip(`native and WebAssembly interoperate (skipped: ${native})`);
} else {
  interoperate('native and WebAssembly', () => native);
}

function installed(): TransformEngine | string {
  try {
    return loadNativeEngine();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
  }
}

/** Each step of a key’s way by another engine than the one before, in both orders, through the bytes that are sent. */
function interoperate(name: string, load: () => TransformEngine): void {
  describe(name, () => {
    const other = load();
    test.each([
      ['WebAssembly begins', wasm, other],
      ['the other begins', other, wasm],
    ])('open what each other made, over two transforms: %s', (_order, one, two) => {
      const [group, share, person, device] = [one, two, one, two].map((engine) => engine.generateKeyPair());
      if (!group || !share || !person || !device) throw new Error('there are four pairs');
      const signing = one.generateSigningKeyPair().privateKey;
      const augmented = two.augmentPublicKey(group.publicKey, share.publicKey);
      expect(one.augmentPublicKey(group.publicKey, share.publicKey)).toEqual(augmented);

      const offered = one.generateTransformKey(group.privateKey, person.publicKey, signing);
      const toPerson = two.augmentTransformKey(
        decodeTransformKey(encodeTransformKey(offered)),
        share.privateKey,
      );
      const toDevice = two.generateTransformKey(person.privateKey, device.publicKey, signing);

      const plaintext = two.generatePlaintext();
      const sealed = encodeEncryptedValue(two.encrypt(plaintext, augmented, signing));
      const once = encodeEncryptedValue(
        one.transform(decodeEncryptedValue(sealed, { maxBlocks: 0 }), toPerson, signing),
      );
      const twice = encodeEncryptedValue(
        two.transform(decodeEncryptedValue(once, { maxBlocks: 1 }), toDevice, signing),
      );
      const opened = one.decrypt(decodeEncryptedValue(twice, { maxBlocks: 2 }), device.privateKey);
      expect(opened).toEqual(plaintext);
      expect(two.deriveSymmetricKey(opened)).toEqual(one.deriveSymmetricKey(plaintext));
    });

    test.each([
      ['WebAssembly signs', wasm, other],
      ['the other signs', other, wasm],
    ])('take each other’s proofs, and for no other message: %s', (_order, one, two) => {
      const { privateKey, publicKey } = two.generateKeyPair();
      const signature = one.schnorrSign(privateKey, publicKey, utf8('m'));
      const share = one.generateKeyPair();
      const augmented = two.augmentPublicKey(publicKey, share.publicKey);
      expect(one.computePublicKey(privateKey)).toEqual(publicKey);
      expect(two.schnorrVerify(publicKey, utf8('m'), signature)).toBe(true);
      expect(two.schnorrVerify(publicKey, utf8('n'), signature)).toBe(false);
      const together = one.schnorrSign(privateKey, augmented, utf8('m'));
      expect(two.schnorrVerify(augmented, utf8('m'), together, share.privateKey)).toBe(true);
      expect(two.addPrivateKeys(privateKey, share.privateKey)).toEqual(
        one.addPrivateKeys(privateKey, share.privateKey),
      );
      expect(one.computePublicKey(two.addPrivateKeys(privateKey, share.privateKey))).toEqual(augmented);
    });
  });
}
