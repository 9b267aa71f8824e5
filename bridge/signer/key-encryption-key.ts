import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes, equalBytes, utf8 } from '../../protocol/bytes.ts';
import { canonicalJson } from '../../protocol/canonical-json.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { DerivedSecret, SealContext } from './signer.ts';

const KEY_BYTES = 32;
const ID_BYTES = 8;
/** AES-GCM as NIST SP 800-38D has it: random 96-bit nonces, good for 2^32 seals under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The first byte of sealed bytes: `format ‖ key id ‖ nonce ‖ ciphertext ‖ tag`. */
const FORMAT = 1;
const LONGEST_SECRET = 1024;

/**
 * The one secret that the bridge gets from outside. Everything else is sealed under it or derived from it: each use
 * has a key of its own (HKDF-SHA256, RFC 5869), so that no two can meet.
 */
export class KeyEncryptionKey {
  /** Names the key without telling anything about it: a wrong key is told apart from damaged data. */
  readonly id: string;
  readonly #secret: Uint8Array;
  readonly #sealingKey: Uint8Array;
  readonly #idBytes: Uint8Array;

  /** Throws `config_invalid` for anything but 32 bytes that look random. */
  constructor(secret: Uint8Array) {
    if (secret.length !== KEY_BYTES || new Set(secret).size < KEY_BYTES / 4) {
      throw new CountersignError('config_invalid', 'The key-encryption key must be 32 random bytes.');
    }
    this.#secret = secret.slice();
    this.#sealingKey = this.#derive('seal', KEY_BYTES);
    this.#idBytes = this.#derive('key-id', ID_BYTES);
    this.id = encodeBase64url(this.#idBytes);
  }

  seal(context: SealContext, plaintext: Uint8Array): Uint8Array {
    const head = concatBytes(Uint8Array.of(FORMAT), this.#idBytes);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#sealingKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(associatedData(head, context));
    const ciphertext = concatBytes(cipher.update(plaintext), cipher.final());
    return concatBytes(head, nonce, ciphertext, cipher.getAuthTag());
  }

  /** Throws `seal_broken`; its private cause says whether the key is another or the bytes or context are. */
  open(context: SealContext, sealed: Uint8Array): Uint8Array {
    const nonceAt = 1 + ID_BYTES;
    const textAt = nonceAt + NONCE_BYTES;
    const tagAt = sealed.length - TAG_BYTES;
    if (tagAt < textAt || sealed[0] !== FORMAT) throw broken('not sealed bytes of a known format');
    if (!equalBytes(sealed.subarray(1, nonceAt), this.#idBytes)) {
      throw broken('sealed under another key-encryption key');
    }
    const nonce = sealed.subarray(nonceAt, textAt);
    const decipher = createDecipheriv('aes-256-gcm', this.#sealingKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData(sealed.subarray(0, nonceAt), context));
    decipher.setAuthTag(sealed.subarray(tagAt));
    try {
      return concatBytes(decipher.update(sealed.subarray(textAt, tagAt)), decipher.final());
    } catch (cause) {
      throw broken('changed, or sealed in another context', cause);
    }
  }

  deriveSecret(use: DerivedSecret, length: number): Uint8Array {
    if (!Number.isInteger(length) || length < 16 || length > LONGEST_SECRET) {
      throw new CountersignError('internal', undefined, { cause: new RangeError(`a secret of ${length}`) });
    }
    return this.#derive(`secret/${use}`, length);
  }

  #derive(use: string, length: number): Uint8Array {
    const info = utf8(`countersign/kek/${use}/v1`);
    return new Uint8Array(hkdfSync('sha256', this.#secret, new Uint8Array(0), info, length));
  }
}

/** Whether sealed bytes name this key; that they open says only `open`. */
export function sealedUnder(sealed: Uint8Array, { id }: Pick<KeyEncryptionKey, 'id'>): boolean {
  return sealed[0] === FORMAT && encodeBase64url(sealed.subarray(1, 1 + ID_BYTES)) === id;
}

function associatedData(head: Uint8Array, context: SealContext): Uint8Array {
  return concatBytes(utf8('countersign/sealed/v1\n'), head, utf8(canonicalJson(context)));
}

function broken(reason: string, cause?: unknown): CountersignError {
  return new CountersignError('seal_broken', undefined, { cause: new Error(reason, { cause }) });
}
