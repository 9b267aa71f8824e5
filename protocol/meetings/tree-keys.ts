import { expand } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8 } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import type { TreeNode } from './tree-shape.ts';

export const KEY_BYTES = 32;

/** What every key derived for one message is bound to. */
export interface Derivation {
  readonly group: string;
  readonly term: number;
  readonly epoch: number;
  /** Drawn anew for every message: two drafts of one epoch share no derived key either. */
  readonly challenge: string;
}

/**
 * What a key is derived for. `wrap`: to wrap the key of the parent under that of the node given; `parent`: the key of the
 * node given, from the fresh key of a child; `advance`: the node's own next key; `epoch`: to wrap the epoch's key under
 * the root's.
 */
export type KeyUse = 'wrap' | 'parent' | 'advance' | 'epoch';

/**
 * The key for one use of one node in one message. One-way, and no two answers are alike: HKDF-Expand (RFC 5869) over
 * everything that tells them apart. Its extract step is left out, as the keys of nodes are uniform already (§3.3).
 */
export function deriveKey(key: Uint8Array, use: KeyUse, node: TreeNode, derivation: Derivation): Uint8Array {
  const { group, challenge, term, epoch } = derivation;
  const numbers = new DataView(new ArrayBuffer(12));
  numbers.setUint32(0, term);
  numbers.setUint32(4, epoch);
  numbers.setUint32(8, node);
  const names = utf8(`countersign/meeting-${use}/v1\n${group}\n${challenge}\n`);
  return expand(sha256, key, concatBytes(names, new Uint8Array(numbers.buffer)), KEY_BYTES);
}

/** The nonce of every wrap: each wrapping key is derived for one wrap and used once. */
const NONCE = new Uint8Array(12);

/** AES-256-GCM of one key under a key that is used for nothing else; 48 bytes. */
export async function wrapKey(wrapping: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  const cipher = await importAes(wrapping, 'encrypt');
  return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: NONCE }, cipher, key.slice()));
}

/** Throws `rekey_mismatch`. */
export async function unwrapKey(wrapping: Uint8Array, wrapped: Uint8Array): Promise<Uint8Array> {
  const cipher = await importAes(wrapping, 'decrypt');
  let key: ArrayBuffer;
  try {
    key = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: NONCE }, cipher, wrapped.slice());
  } catch (cause) {
    throw new CountersignError('rekey_mismatch', 'a key of the tree does not open', { cause });
  }
  if (key.byteLength !== KEY_BYTES) throw new CountersignError('rekey_mismatch', 'a key is not 32 bytes');
  return new Uint8Array(key);
}

export function randomKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
}

async function importAes(key: Uint8Array, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key.slice(), 'AES-GCM', false, [use]);
}
