import { argon2idAsync } from '@noble/hashes/argon2.js';
import { decodeBase64url, encodeBase64url } from '../base64url.ts';
import { CountersignError } from '../errors.ts';
import type { EncryptionKey } from '../public-key.ts';
import { type KeyDerivation, recoveryKeyContext, type WrappedKey } from './escrow-record.ts';
import { passphraseBytes } from './passphrase.ts';

/** Whose recovery key it is. */
export interface RecoveryKeyOwner {
  readonly iss: string;
  readonly sub: string;
  /** E. */
  readonly recovery_key: EncryptionKey;
}

/** Wraps the private half of E, 32 bytes, under a passphrase. A second of computing. Throws `passphrase_invalid`. */
export async function wrapRecoveryKey(
  owner: RecoveryKeyOwner,
  privateKey: Uint8Array,
  passphrase: string,
): Promise<WrappedKey> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const derivation: KeyDerivation = {
    ...{ name: 'argon2id', passes: 3, memory: 65_536, lanes: 4 },
    salt: encodeBase64url(salt),
  };
  const key = await wrappingKey(passphrase, derivation, 'encrypt');
  const parameters = { name: 'AES-GCM', iv: nonce, additionalData: recoveryKeyContext(owner, derivation) };
  const wrapped = await crypto.subtle.encrypt(parameters, key, Uint8Array.from(privateKey));
  return {
    derivation,
    nonce: encodeBase64url(nonce),
    key: encodeBase64url(new Uint8Array(wrapped)),
  };
}

/** The private half of E. Throws `passphrase_invalid`, and `passphrase_wrong` for another one than it was wrapped under. */
export async function unwrapRecoveryKey(
  owner: RecoveryKeyOwner,
  { derivation, nonce, key }: WrappedKey,
  passphrase: string,
): Promise<Uint8Array> {
  const wrapping = await wrappingKey(passphrase, derivation, 'decrypt');
  const parameters = {
    name: 'AES-GCM',
    iv: decodeBase64url(nonce, 12).slice(),
    additionalData: recoveryKeyContext(owner, derivation),
  };
  try {
    return new Uint8Array(
      await crypto.subtle.decrypt(parameters, wrapping, decodeBase64url(key, 48).slice()),
    );
  } catch (cause) {
    throw new CountersignError('passphrase_wrong', undefined, { cause });
  }
}

async function wrappingKey(
  passphrase: string,
  { passes, memory, lanes, salt }: KeyDerivation,
  usage: 'encrypt' | 'decrypt',
): Promise<CryptoKey> {
  const derived = await argon2idAsync(passphraseBytes(passphrase), decodeBase64url(salt, 16), {
    ...{ t: passes, m: memory, p: lanes, version: 0x13, dkLen: 32 },
    // Milliseconds: a page goes on painting meanwhile.
    asyncTick: 20,
  });
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(derived), 'AES-GCM', false, [usage]);
  derived.fill(0);
  return key;
}
