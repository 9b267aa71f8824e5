import * as z from 'zod/mini';
import { concatBytes, utf8 } from '../bytes.ts';
import { digest, entityId, id } from '../claims.ts';
import { CountersignError } from '../errors.ts';
import type { Party } from './party.ts';

/*
 * A sealed asset, version 1: a header, then chunks (asset-chunks.ts). Integers are big-endian.
 *
 *   magic[7] = "CSASSET", version[1] = 1, header_length u16 (all of the header), chunk_size u32 = 65536, salt[32],
 *   recipient[1] (1 a group, 2 a person), then iss, the group or sub, and key_id: each u8 length and ASCII
 *
 * The header is the associated data of every chunk. A change of any member is a new version.
 */
const MAGIC = utf8('CSASSET');
const VERSION = 1;
/** Magic, version and length: what says how much more there is. */
export const ASSET_PREAMBLE_BYTES = MAGIC.length + 3;
const SALT_START = ASSET_PREAMBLE_BYTES + 4;
export const ASSET_SALT_BYTES = 32;
const NAMES_START = SALT_START + ASSET_SALT_BYTES + 1;

/** Bytes of content in every chunk but the last. Other sizes are not taken: who reads must know how much to hold. */
export const ASSET_CHUNK_BYTES = 65_536;

const nameSchemas = {
  iss: entityId,
  /** The id of a group is a thumbprint, that of a person is the bridge's. */
  group: digest,
  sub: id,
  keyId: id,
};

export interface AssetHeader {
  /** Whose key opens it. */
  readonly to: Party;
  /** Which of the keys that were sealed to them. */
  readonly keyId: string;
  /** 32 random bytes, fresh for each asset: one sealed key may serve many. */
  readonly salt: Uint8Array;
}

/** A new header for content under this key. */
export function newAssetHeader(to: Party, keyId: string): AssetHeader {
  return { to, keyId, salt: crypto.getRandomValues(new Uint8Array(ASSET_SALT_BYTES)) };
}

/** Throws `asset_invalid` for members that no header can have. */
export function encodeAssetHeader({ to, keyId, salt }: AssetHeader): Uint8Array<ArrayBuffer> {
  const [recipient, whom] = 'group' in to ? ([1, to.group] as const) : ([2, to.sub] as const);
  const names = [to.iss, whom, keyId].map(utf8);
  const length = NAMES_START + names.reduce((sum, name) => sum + 1 + name.length, 0);
  const head = new Uint8Array(NAMES_START);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint8(MAGIC.length, VERSION);
  view.setUint16(MAGIC.length + 1, length);
  view.setUint32(ASSET_PREAMBLE_BYTES, ASSET_CHUNK_BYTES);
  head.set(salt.subarray(0, ASSET_SALT_BYTES), SALT_START);
  view.setUint8(NAMES_START - 1, recipient);
  const bytes = concatBytes(head, ...names.flatMap((name) => [Uint8Array.of(name.length), name]));
  // What cannot be read must not be written.
  decodeAssetHeader(bytes);
  return bytes;
}

/** How many bytes the header has that begins with this preamble. Throws `asset_invalid` for what is no asset. */
export function assetHeaderLength(preamble: Uint8Array): number {
  if (preamble.length < ASSET_PREAMBLE_BYTES || !MAGIC.every((byte, index) => preamble[index] === byte)) {
    throw new CountersignError('asset_invalid', 'this is no sealed asset');
  }
  const view = viewOf(preamble);
  const version = view.getUint8(MAGIC.length);
  if (version !== VERSION) throw new CountersignError('asset_invalid', `unknown version ${version}`);
  const length = view.getUint16(MAGIC.length + 1);
  if (length < NAMES_START) throw new CountersignError('asset_invalid', 'the header is too short');
  return length;
}

/**
 * A header that anybody may have written: nothing of it is true before the first chunk opened under it. Throws
 * `asset_invalid`.
 */
export function decodeAssetHeader(bytes: Uint8Array): AssetHeader {
  if (assetHeaderLength(bytes) !== bytes.length) {
    throw new CountersignError('asset_invalid', 'the header has another length than it says');
  }
  if (viewOf(bytes).getUint32(ASSET_PREAMBLE_BYTES) !== ASSET_CHUNK_BYTES) {
    throw new CountersignError('asset_invalid', 'the chunks have another size than this version knows');
  }
  const [iss = '', whom = '', keyId = '', more] = namesOf(bytes.subarray(NAMES_START));
  if (more !== undefined) throw new CountersignError('asset_invalid', 'the header has too many names');
  return {
    to: recipientOf(bytes[NAMES_START - 1], iss, whom),
    keyId: checked(nameSchemas.keyId, keyId),
    salt: Uint8Array.from(bytes.subarray(SALT_START, SALT_START + ASSET_SALT_BYTES)),
  };
}

function recipientOf(kind: number | undefined, issText: string, whom: string): Party {
  const iss = checked(nameSchemas.iss, issText);
  if (kind === 1) return { iss, group: checked(nameSchemas.group, whom) };
  if (kind === 2) return { iss, sub: checked(nameSchemas.sub, whom) };
  throw new CountersignError('asset_invalid', 'the recipient is neither a group nor a person');
}

/** The names one after another, each behind its length. */
function namesOf(bytes: Uint8Array): string[] {
  const names: string[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const end = offset + 1 + (bytes[offset] ?? 0);
    if (end > bytes.length) throw new CountersignError('asset_invalid', 'a name of the header is cut short');
    names.push(String.fromCharCode(...bytes.subarray(offset + 1, end)));
    offset = end;
  }
  return names;
}

function checked(schema: z.ZodMiniType<string>, text: string): string {
  const parsed = z.safeParse(schema, text);
  if (!parsed.success) {
    throw new CountersignError('asset_invalid', 'the header names nobody', { cause: parsed.error });
  }
  return parsed.data;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
