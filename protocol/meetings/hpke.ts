import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8 } from '../bytes.ts';
import { CountersignError } from '../errors.ts';

/**
 * HPKE (RFC 9180) in base mode, one message per encapsulated key: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
 * AES-256-GCM.
 */

const KEM_SUITE = concatBytes(utf8('KEM'), Uint8Array.of(0x00, 0x20));
const HPKE_SUITE = concatBytes(utf8('HPKE'), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x02));
const VERSION = utf8('HPKE-v1');
const EMPTY = new Uint8Array();
const BASE_MODE = Uint8Array.of(0x00);
/** Bytes of an X25519 key, and so of the encapsulated key. */
export const ENCAPSULATED_BYTES = 32;
const SECRET_BYTES = 32;
const AES_KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** An X25519 pair; the private half is a WebCrypto key that need not be extractable. */
export interface EphemeralKey {
  readonly privateKey: CryptoKey;
  /** 32 bytes (RFC 7748). */
  readonly publicKey: Uint8Array;
}

/** What the sender sends along, and what only the recipient computes from it. */
export interface Encapsulation {
  readonly enc: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

export async function generateEphemeralKey(): Promise<EphemeralKey> {
  const pair = await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits']);
  if (!('privateKey' in pair)) throw new CountersignError('internal');
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return { privateKey: pair.privateKey, publicKey };
}

/** Encap of §4.1. The recipient's key comes from the recipient. Throws `key_invalid` for one of small order. */
export async function encapsulate(recipient: Uint8Array, ephemeral?: EphemeralKey): Promise<Encapsulation> {
  const { privateKey, publicKey } = ephemeral ?? (await generateEphemeralKey());
  const dh = await diffieHellman(privateKey, recipient);
  return { enc: publicKey, sharedSecret: extractAndExpand(dh, concatBytes(publicKey, recipient)) };
}

/** Decap of §4.1. Throws `key_invalid`. */
export async function decapsulate(enc: Uint8Array, recipient: EphemeralKey): Promise<Uint8Array> {
  const dh = await diffieHellman(recipient.privateKey, enc);
  return extractAndExpand(dh, concatBytes(enc, recipient.publicKey));
}

/** The first Seal of the context that §5.1 sets up: a shared secret is for one message. */
export async function sealOnce(
  sharedSecret: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const { key, parameters } = await schedule(sharedSecret, info, aad, 'encrypt');
  return new Uint8Array(await crypto.subtle.encrypt(parameters, key, plaintext.slice()));
}

/** The counterpart of `sealOnce`. Throws what WebCrypto throws when it does not open. */
export async function openOnce(
  sharedSecret: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Promise<Uint8Array> {
  const { key, parameters } = await schedule(sharedSecret, info, aad, 'decrypt');
  return new Uint8Array(await crypto.subtle.decrypt(parameters, key, ciphertext.slice()));
}

/** KeySchedule of §5.1 in base mode, at sequence number 0. */
async function schedule(
  sharedSecret: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  use: 'encrypt' | 'decrypt',
): Promise<{ key: CryptoKey; parameters: AesGcmParams }> {
  const pskIdHash = labeledExtract(HPKE_SUITE, EMPTY, 'psk_id_hash', EMPTY);
  const infoHash = labeledExtract(HPKE_SUITE, EMPTY, 'info_hash', info);
  const context = concatBytes(BASE_MODE, pskIdHash, infoHash);
  const secret = labeledExtract(HPKE_SUITE, sharedSecret, 'secret', EMPTY);
  const raw = labeledExpand(HPKE_SUITE, secret, 'key', context, AES_KEY_BYTES);
  const iv = labeledExpand(HPKE_SUITE, secret, 'base_nonce', context, NONCE_BYTES);
  const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, [use]);
  return { key, parameters: { name: 'AES-GCM', iv, additionalData: aad.slice() } };
}

async function diffieHellman(privateKey: CryptoKey, publicKey: Uint8Array): Promise<Uint8Array> {
  let dh: Uint8Array;
  try {
    const peer = await crypto.subtle.importKey('raw', publicKey.slice(), { name: 'X25519' }, true, []);
    dh = new Uint8Array(
      await crypto.subtle.deriveBits({ name: 'X25519', public: peer }, privateKey, 8 * SECRET_BYTES),
    );
  } catch (cause) {
    throw new CountersignError('key_invalid', 'the X25519 key cannot be used', { cause });
  }
  // §7.1.4: some implementations refuse points of small order themselves, others answer zeros.
  if (dh.every((byte) => byte === 0)) {
    throw new CountersignError('key_invalid', 'the X25519 key is of small order');
  }
  return dh;
}

function extractAndExpand(dh: Uint8Array, context: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, EMPTY, 'eae_prk', dh);
  return labeledExpand(KEM_SUITE, prk, 'shared_secret', context, SECRET_BYTES);
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return extract(sha256, concatBytes(VERSION, suite, utf8(label), ikm), salt);
}

function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  const size = Uint8Array.of(length >> 8, length & 0xff);
  return expand(sha256, prk, concatBytes(size, VERSION, suite, utf8(label), info), length).slice();
}
