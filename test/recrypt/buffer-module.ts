import type { NativePackage } from '../../recrypt/load-node.ts';
import type { NativeModule } from '../../recrypt/native-engine.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { mapEncryptedValue, mapPublicKey, mapTransformKey } from '../../recrypt/value-mapping.ts';

/**
 * A module in the shape of the native addon, with real cryptography from another engine. Like the addon it takes
 * Buffers only and gives Buffers only.
 */
export function bufferModule(engine: TransformEngine): NativeModule {
  class Api256 {
    generateKeyPair() {
      const pair = engine.generateKeyPair();
      return { privateKey: out(pair.privateKey), publicKey: mapPublicKey(pair.publicKey, out) };
    }
    generateEd25519KeyPair() {
      const pair = engine.generateSigningKeyPair();
      return { privateKey: out(pair.privateKey), publicKey: out(pair.publicKey) };
    }
    generatePlaintext = () => out(engine.generatePlaintext());
    deriveSymmetricKey = (plaintext: Buffer) => out(engine.deriveSymmetricKey(taken(plaintext)));
    computePublicKey = (privateKey: Buffer) => mapPublicKey(engine.computePublicKey(taken(privateKey)), out);
    generateTransformKey: InstanceType<NativeModule['Api256']>['generateTransformKey'] = (
      from,
      to,
      signing,
    ) =>
      mapTransformKey(engine.generateTransformKey(taken(from), mapPublicKey(to, taken), taken(signing)), out);
    encrypt: InstanceType<NativeModule['Api256']>['encrypt'] = (plaintext, to, signing) =>
      mapEncryptedValue(engine.encrypt(taken(plaintext), mapPublicKey(to, taken), taken(signing)), out);
    transform: InstanceType<NativeModule['Api256']>['transform'] = (value, key, signing) => {
      const valueIn = mapEncryptedValue(value, taken);
      return mapEncryptedValue(engine.transform(valueIn, mapTransformKey(key, taken), taken(signing)), out);
    };
    decrypt: InstanceType<NativeModule['Api256']>['decrypt'] = (value, privateKey) =>
      out(engine.decrypt(mapEncryptedValue(value, taken), taken(privateKey)));
    schnorrSign: InstanceType<NativeModule['Api256']>['schnorrSign'] = (privateKey, publicKey, message) =>
      out(engine.schnorrSign(taken(privateKey), mapPublicKey(publicKey, taken), taken(message)));
    schnorrVerify: InstanceType<NativeModule['Api256']>['schnorrVerify'] = (key, share, message, signature) =>
      engine.schnorrVerify(
        mapPublicKey(key, taken),
        taken(message),
        taken(signature),
        share === undefined ? undefined : taken(share),
      );
  }
  return {
    Api256,
    augmentTransformKey256: (key, share) =>
      mapTransformKey(engine.augmentTransformKey(mapTransformKey(key, taken), taken(share)), out),
    augmentPublicKey256: (left, right) =>
      mapPublicKey(engine.augmentPublicKey(mapPublicKey(left, taken), mapPublicKey(right, taken)), out),
    addPrivateKeys: (left, right) => out(engine.addPrivateKeys(taken(left), taken(right))),
    subtractPrivateKeys: (left, right) => out(engine.subtractPrivateKeys(taken(left), taken(right))),
  };
}

export function packaged(module: unknown): () => NativePackage {
  return () => ({ module, version: '0.0.0-test' });
}

function taken(input: Buffer): Uint8Array {
  if (!Buffer.isBuffer(input)) throw new TypeError('the native addon takes Buffers only');
  return Uint8Array.from(input);
}

function out(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}
