import { concatBytes, utf8 } from '../protocol/bytes.ts';
import { CountersignError } from '../protocol/errors.ts';
import { decodeEncryptedValue, encodeEncryptedValue, encryptedValueBytes } from './encoding.ts';
import { invalidInput } from './input-checks.ts';
import {
  type EncryptedValue,
  MAX_HOPS,
  type PrePrivateKey,
  type PrePublicKey,
  type TransformEngine,
  type TransformKey,
} from './transform-engine.ts';

/*
 * Bytes sealed to a recrypt key:
 *
 *   format[1] = 1, encrypted value (encoding.ts), nonce[12], AES-256-GCM ciphertext and tag
 *
 * The AES key is derived from a recrypt plaintext that is encrypted to the recipient, fresh for each box. Transforms
 * change the encrypted value only. The associated data is not stored: who opens must know it. A box says nothing of
 * who sealed it: anybody can seal to a public key.
 */
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LABEL = utf8('countersign/sealed-box/v1\n');

interface Parts {
  readonly encrypted: EncryptedValue;
  /** Nonce, ciphertext and tag. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Seals `plaintext` to `recipient`; it opens only with the same `aad`. Throws `recrypt_input_invalid`. */
export async function sealTo(
  engine: TransformEngine,
  recipient: PrePublicKey,
  plaintext: Uint8Array,
  aad: Uint8Array,
): Promise<Uint8Array> {
  const secret = engine.generatePlaintext();
  const encrypted = engine.encrypt(secret, recipient, oneTimeSigningKey(engine));
  const key = await aesKey(engine, secret, 'encrypt');
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const parameters = { name: 'AES-GCM', iv: nonce, additionalData: concatBytes(LABEL, aad) };
  const sealed = await crypto.subtle.encrypt(parameters, key, Uint8Array.from(plaintext));
  return concatBytes(Uint8Array.of(FORMAT), encodeEncryptedValue(encrypted), nonce, new Uint8Array(sealed));
}

/**
 * Opens bytes that anybody may have made. `hops`, if given, is the exact number of transforms they must have gone
 * through. Throws `recrypt_input_invalid` for malformed bytes, `recrypt_decrypt_failed` when the key, the `aad` or
 * the content is not the right one.
 */
export async function openSealed(
  engine: TransformEngine,
  privateKey: PrePrivateKey,
  bytes: Uint8Array,
  aad: Uint8Array,
  hops?: number,
): Promise<Uint8Array> {
  const { encrypted, body } = parse(bytes, hops ?? MAX_HOPS);
  if (hops !== undefined && encrypted.transformBlocks.length !== hops) {
    throw invalidInput(`expected ${hops} transforms, got ${encrypted.transformBlocks.length}`);
  }
  const key = await aesKey(engine, engine.decrypt(encrypted, privateKey), 'decrypt');
  const parameters = {
    name: 'AES-GCM',
    iv: body.subarray(0, NONCE_BYTES),
    additionalData: concatBytes(LABEL, aad),
  };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters, key, body.subarray(NONCE_BYTES)));
  } catch (cause) {
    throw new CountersignError('recrypt_decrypt_failed', undefined, { cause });
  }
}

/**
 * One hop further: the same sealed content, for the holder that `transformKey` leads to. `maxBlocks` is how many hops
 * it may have behind it. Throws `recrypt_input_invalid`.
 */
export function transformSealed(
  engine: TransformEngine,
  bytes: Uint8Array,
  transformKey: TransformKey,
  maxBlocks: number = MAX_HOPS - 1,
): Uint8Array {
  const { encrypted, body } = parse(bytes, Math.min(maxBlocks, MAX_HOPS - 1));
  const transformed = engine.transform(encrypted, transformKey, oneTimeSigningKey(engine));
  return concatBytes(Uint8Array.of(FORMAT), encodeEncryptedValue(transformed), body);
}

function parse(bytes: Uint8Array, maxBlocks: number): Parts {
  if (!(bytes instanceof Uint8Array)) throw invalidInput('not a byte string');
  if (bytes[0] !== FORMAT) throw invalidInput('unknown format of a sealed box');
  // The third byte is the encrypted value's count of blocks, which its decoder checks against `maxBlocks`.
  const bodyStart = 1 + encryptedValueBytes(bytes[2] ?? 0);
  const encrypted = decodeEncryptedValue(bytes.subarray(1, bodyStart), { maxBlocks });
  const body = Uint8Array.from(bytes.subarray(bodyStart));
  if (body.length < NONCE_BYTES + TAG_BYTES) throw invalidInput('the sealed content is cut short');
  return { encrypted, body };
}

/** recrypt signs every ciphertext; nobody relies on by whom, so the key is thrown away. */
function oneTimeSigningKey(engine: TransformEngine): Uint8Array {
  return engine.generateSigningKeyPair().privateKey;
}

function aesKey(
  engine: TransformEngine,
  secret: Uint8Array,
  usage: 'encrypt' | 'decrypt',
): Promise<CryptoKey> {
  const raw = Uint8Array.from(engine.deriveSymmetricKey(secret));
  return crypto.subtle.importKey('raw', raw, 'AES-GCM', false, [usage]);
}
