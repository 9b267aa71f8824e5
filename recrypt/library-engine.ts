import { equalBytes } from '../protocol/bytes.ts';
import { CountersignError, type ErrorCode, isCountersignError } from '../protocol/errors.ts';
import {
  checkBytes,
  checkEncryptedValue,
  checkPrivateKey,
  checkPublicKey,
  checkTransformKey,
  invalidInput,
} from './input-checks.ts';
import {
  type EncryptedValue,
  MAX_HOPS,
  PRE_SIZES,
  type PreKeyPair,
  type PrePrivateKey,
  type PrePublicKey,
  type PreSigningKeyPair,
  type TransformEngine,
  type TransformKey,
} from './transform-engine.ts';

/** The library's bare calls, in our representation of bytes; they check nothing and throw what they like. */
export interface RecryptLibrary {
  generateKeyPair(): PreKeyPair;
  computePublicKey(privateKey: PrePrivateKey): PrePublicKey;
  generateSigningKeyPair(): PreSigningKeyPair;
  generatePlaintext(): Uint8Array;
  deriveSymmetricKey(plaintext: Uint8Array): Uint8Array;
  encrypt(plaintext: Uint8Array, to: PrePublicKey, signingPrivateKey: Uint8Array): EncryptedValue;
  transform(value: EncryptedValue, key: TransformKey, signingPrivateKey: Uint8Array): EncryptedValue;
  decrypt(value: EncryptedValue, privateKey: PrePrivateKey): Uint8Array;
  generateTransformKey(from: PrePrivateKey, to: PrePublicKey, signingPrivateKey: Uint8Array): TransformKey;
  augmentTransformKey(key: TransformKey, share: PrePrivateKey): TransformKey;
  augmentPublicKey(left: PrePublicKey, right: PrePublicKey): PrePublicKey;
  addPrivateKeys(left: PrePrivateKey, right: PrePrivateKey): PrePrivateKey;
  subtractPrivateKeys(left: PrePrivateKey, right: PrePrivateKey): PrePrivateKey;
  schnorrSign(privateKey: PrePrivateKey, publicKey: PrePublicKey, message: Uint8Array): Uint8Array;
  schnorrVerify(
    publicKey: PrePublicKey,
    share: PrePrivateKey | undefined,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean;
}

/** The engine over one library: its calls behind checks of every input, its failures as our error codes. */
export function createTransformEngine(
  name: TransformEngine['name'],
  version: string,
  library: RecryptLibrary,
): TransformEngine {
  function validatePublicKey(publicKey: PrePublicKey): void {
    checkPublicKey(publicKey, 'public key');
    // Doubling is the cheapest call that makes the library test the curve's equation.
    attempt('recrypt_input_invalid', () => library.augmentPublicKey(publicKey, publicKey));
  }

  return {
    name,
    version,
    validatePublicKey,
    generateKeyPair: () => attempt('recrypt_unavailable', () => library.generateKeyPair()),
    generateSigningKeyPair: () => attempt('recrypt_unavailable', () => library.generateSigningKeyPair()),
    generatePlaintext: () => attempt('recrypt_unavailable', () => library.generatePlaintext()),

    computePublicKey(privateKey) {
      checkPrivateKey(privateKey, 'private key');
      return attempt('recrypt_input_invalid', () => library.computePublicKey(privateKey));
    },

    deriveSymmetricKey(plaintext) {
      checkBytes(plaintext, PRE_SIZES.plaintext, 'plaintext');
      return attempt('recrypt_input_invalid', () => library.deriveSymmetricKey(plaintext));
    },

    encrypt(plaintext, to, signingPrivateKey) {
      checkBytes(plaintext, PRE_SIZES.plaintext, 'plaintext');
      checkPublicKey(to, 'public key');
      checkSigningKey(signingPrivateKey);
      return attempt('recrypt_input_invalid', () => library.encrypt(plaintext, to, signingPrivateKey));
    },

    transform(encrypted, transformKey, signingPrivateKey) {
      checkEncryptedValue(encrypted, MAX_HOPS - 1);
      checkTransformKey(transformKey);
      checkSigningKey(signingPrivateKey);
      return attempt('recrypt_input_invalid', () =>
        library.transform(encrypted, transformKey, signingPrivateKey),
      );
    },

    decrypt(encrypted, privateKey) {
      checkEncryptedValue(encrypted);
      checkPrivateKey(privateKey, 'private key');
      return attempt('recrypt_decrypt_failed', () => library.decrypt(encrypted, privateKey));
    },

    generateTransformKey(from, to, signingPrivateKey) {
      checkPrivateKey(from, 'private key');
      checkPublicKey(to, 'public key');
      checkSigningKey(signingPrivateKey);
      return attempt('recrypt_input_invalid', () =>
        library.generateTransformKey(from, to, signingPrivateKey),
      );
    },

    augmentTransformKey(transformKey, share) {
      checkTransformKey(transformKey);
      checkPrivateKey(share, 'share');
      return attempt('recrypt_input_invalid', () => library.augmentTransformKey(transformKey, share));
    },

    augmentPublicKey(left, right) {
      checkPublicKey(left, 'public key');
      checkPublicKey(right, 'public key');
      return attempt('recrypt_input_invalid', () => library.augmentPublicKey(left, right));
    },

    addPrivateKeys: (left, right) => combine(left, right, () => library.addPrivateKeys(left, right)),
    subtractPrivateKeys: (left, right) =>
      combine(left, right, () => library.subtractPrivateKeys(left, right)),

    schnorrSign(privateKey, publicKey, message) {
      checkPrivateKey(privateKey, 'private key');
      checkPublicKey(publicKey, 'public key');
      checkMessage(message);
      return attempt('recrypt_input_invalid', () => library.schnorrSign(privateKey, publicKey, message));
    },

    schnorrVerify(publicKey, message, signature, augmentedShare) {
      validatePublicKey(publicKey);
      checkMessage(message);
      checkBytes(signature, PRE_SIZES.signature, 'signature');
      if (augmentedShare !== undefined) {
        checkPrivateKey(augmentedShare, 'share');
        const own = attempt('recrypt_input_invalid', () => library.computePublicKey(augmentedShare));
        // The library would verify against the point at infinity, under which any (k, x(kG)) is a signature.
        if (equalBytes(own.x, publicKey.x) && equalBytes(own.y, publicKey.y)) {
          throw invalidInput('the share makes up the whole public key');
        }
      }
      return attempt('recrypt_input_invalid', () =>
        library.schnorrVerify(publicKey, augmentedShare, message, signature),
      );
    },
  };
}

function combine(left: PrePrivateKey, right: PrePrivateKey, run: () => PrePrivateKey): PrePrivateKey {
  checkPrivateKey(left, 'private key');
  checkPrivateKey(right, 'private key');
  const result = attempt('recrypt_input_invalid', run);
  checkPrivateKey(result, 'the resulting private key');
  return result;
}

function checkSigningKey(signingPrivateKey: Uint8Array): void {
  checkBytes(signingPrivateKey, PRE_SIZES.signingPrivateKey, 'signing key');
}

function checkMessage(message: unknown): void {
  if (!(message instanceof Uint8Array)) throw invalidInput('message is not a byte string');
}

/** Whatever the library throws, under our code; its text stays private. */
function attempt<Result>(code: ErrorCode, run: () => Result): Result {
  try {
    return run();
  } catch (cause) {
    if (isCountersignError(cause)) throw cause;
    throw new CountersignError(code, undefined, { cause });
  }
}
