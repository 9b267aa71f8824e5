import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts';
import { equalBytes, utf8 } from '../protocol/bytes.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { decodeEncryptedValue, decodeTransformKey, encodeTransformKey } from './encoding.ts';
import { SELF_TEST_VECTORS as vectors } from './self-test-vectors.ts';
import { MAX_HOPS, type PrePublicKey, type TransformEngine } from './transform-engine.ts';

/**
 * Checks an engine against pinned answers before anything is entrusted to it: an addon built for another machine
 * or release may load and compute something else. About a quarter of a second in WebAssembly. Throws
 * `recrypt_unavailable` naming the check that failed.
 */
export function assertEngineCorrect(engine: TransformEngine): void {
  for (const [name, check] of Object.entries(CHECKS)) {
    let passed: boolean;
    try {
      passed = check(engine);
    } catch (cause) {
      throw new CountersignError('recrypt_unavailable', `the ${engine.name} engine fails at: ${name}`, {
        cause,
      });
    }
    if (!passed) {
      throw new CountersignError('recrypt_unavailable', `the ${engine.name} engine is wrong at: ${name}`);
    }
  }
}

const CHECKS: Record<string, (engine: TransformEngine) => boolean> = {
  'public key of a private key': (engine) =>
    samePoint(engine.computePublicKey(bytes(vectors.userPrivate)), point(vectors.userPublic)) &&
    samePoint(engine.computePublicKey(bytes(vectors.share)), point(vectors.sharePublic)),

  'augmented public key': (engine) =>
    samePoint(
      engine.augmentPublicKey(point(vectors.userPublic), point(vectors.sharePublic)),
      point(vectors.augmentedPublic),
    ),

  'sum and difference of private keys': (engine) => {
    const sum = engine.addPrivateKeys(bytes(vectors.userPrivate), bytes(vectors.share));
    return (
      samePoint(engine.computePublicKey(sum), point(vectors.augmentedPublic)) &&
      equalBytes(engine.subtractPrivateKeys(sum, bytes(vectors.share)), bytes(vectors.userPrivate))
    );
  },

  'decryption after 0, 1 and 2 transforms': (engine) =>
    [vectors.encryptedToDevice, vectors.transformedOnce, vectors.transformedTwice].every((encoded) =>
      opensTo(engine, encoded, vectors.plaintext),
    ),

  'symmetric key': (engine) =>
    equalBytes(engine.deriveSymmetricKey(bytes(vectors.plaintext)), bytes(vectors.symmetricKey)),

  'refusal of a changed ciphertext': (engine) => {
    const value = decodeEncryptedValue(bytes(vectors.encryptedToDevice), { maxBlocks: 0 });
    const authHash = value.authHash.map((byte) => byte ^ 1);
    try {
      engine.decrypt({ ...value, authHash }, bytes(vectors.devicePrivate));
      return false;
    } catch (error) {
      return isCountersignError(error, 'recrypt_decrypt_failed');
    }
  },

  'refusal of a point off the curve': (engine) => {
    const { x, y } = point(vectors.userPublic);
    try {
      engine.validatePublicKey({ x: y, y: x });
      return false;
    } catch (error) {
      return isCountersignError(error, 'recrypt_input_invalid');
    }
  },

  'augmented transform key': (engine) => {
    const key = decodeTransformKey(bytes(vectors.transformKey));
    const augmented = engine.augmentTransformKey(key, bytes(vectors.share));
    if (encodeBase64url(encodeTransformKey(augmented)) !== vectors.augmentedTransformKey) return false;
    const value = decodeEncryptedValue(bytes(vectors.encryptedToAugmented), { maxBlocks: 0 });
    const transformed = engine.transform(value, augmented, bytes(vectors.signingPrivate));
    const plaintext = engine.decrypt(transformed, bytes(vectors.devicePrivate));
    return equalBytes(plaintext, bytes(vectors.plaintext));
  },

  'Schnorr signatures': (engine) => {
    const user = point(vectors.userPublic);
    const augmented = point(vectors.augmentedPublic);
    const signature = bytes(vectors.schnorrSignature);
    const message = utf8(vectors.schnorrMessage);
    return (
      engine.schnorrVerify(user, message, signature) &&
      !engine.schnorrVerify(user, utf8('another message'), signature) &&
      !engine.schnorrVerify(augmented, message, signature) &&
      engine.schnorrVerify(augmented, message, bytes(vectors.augmentedSchnorrSignature), bytes(vectors.share))
    );
  },
};

function opensTo(engine: TransformEngine, encoded: string, plaintext: string): boolean {
  const value = decodeEncryptedValue(bytes(encoded), { maxBlocks: MAX_HOPS });
  return equalBytes(engine.decrypt(value, bytes(vectors.devicePrivate)), bytes(plaintext));
}

function bytes(encoded: string): Uint8Array {
  return decodeBase64url(encoded);
}

function point(encoded: string): PrePublicKey {
  const both = bytes(encoded);
  return { x: both.slice(0, 32), y: both.slice(32) };
}

function samePoint(left: PrePublicKey, right: PrePublicKey): boolean {
  return equalBytes(left.x, right.x) && equalBytes(left.y, right.y);
}
