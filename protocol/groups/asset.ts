import * as z from 'zod/mini';
import { concatBytes, utf8 } from '../bytes.ts';
import { digest, entityId, id } from '../claims.ts';
import { CountersignError } from '../errors.ts';
import type { Party } from './party.ts';

/*
 * A sealed asset: a header, then chunks (asset-chunks.ts). Integers are big-endian.
 *
 *   magic[7] = "CSASSET", version[1] = 3, header_length u16 (all of the header), chunk_size u32 = 65536, salt[32],
 *   then each recipient: kind[1] (1 a group, 2 a person), iss, the group or sub, and key_id: each u8 length and ASCII
 *
 * One to sixteen recipients: to each of them the same key is sealed. The header is the associated data of every chunk. A
 * change of any member is a new version; versions 1 and 2, which were never released, had no signature.
 */
const MAGIC = utf8('CSASSET');
const VERSION = 3;
/** Magic, version and length: what says how much more there is. */
export const ASSET_PREAMBLE_BYTES = MAGIC.length + 3;
const SALT_START = ASSET_PREAMBLE_BYTES + 4;
export const ASSET_SALT_BYTES = 32;
const RECIPIENTS_START = SALT_START + ASSET_SALT_BYTES;
/** The most recipients of one asset: the most that a policy names. */
const ASSET_RECIPIENTS = 16;

/** Bytes of content in every chunk but the last. Other sizes are not taken: who reads must know how much to hold. */
export const ASSET_CHUNK_BYTES = 65_536;

const nameSchemas = {
  iss: entityId,
  /** The id of a group is a thumbprint, that of a person is the bridge's. */
  group: digest,
  sub: id,
  keyId: id,
};

/** Whose key opens an asset, and which of the keys that were sealed to them. */
export interface AssetRecipient {
  readonly to: Party;
  readonly keyId: string;
}

export interface AssetHeader extends AssetRecipient {
  /** Others to whom the same key was sealed. */
  readonly also?: readonly AssetRecipient[];
  /** 32 random bytes, fresh for each asset: one sealed key may serve many. */
  readonly salt: Uint8Array;
}

/** A new header for content under this key, and under no other that was sealed to the others. */
export function newAssetHeader(to: Party, keyId: string, also: readonly AssetRecipient[] = []): AssetHeader {
  const salt = crypto.getRandomValues(new Uint8Array(ASSET_SALT_BYTES));
  return { to, keyId, salt, ...(also.length === 0 ? {} : { also }) };
}

/** Everybody to whom the key of an asset was sealed. */
export function assetRecipients({ to, keyId, also = [] }: AssetHeader): readonly AssetRecipient[] {
  return [{ to, keyId }, ...also];
}

/** Throws `asset_invalid` for members that no header can have. */
export function encodeAssetHeader(header: AssetHeader): Uint8Array<ArrayBuffer> {
  const recipients = assetRecipients(header).map(encodeRecipient);
  const length = RECIPIENTS_START + recipients.reduce((sum, bytes) => sum + bytes.length, 0);
  const head = new Uint8Array(RECIPIENTS_START);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint8(MAGIC.length, VERSION);
  view.setUint16(MAGIC.length + 1, length);
  view.setUint32(ASSET_PREAMBLE_BYTES, ASSET_CHUNK_BYTES);
  head.set(header.salt.subarray(0, ASSET_SALT_BYTES), SALT_START);
  const bytes = concatBytes(head, ...recipients);
  // What cannot be read must not be written.
  decodeAssetHeader(bytes);
  return bytes;
}

function encodeRecipient({ to, keyId }: AssetRecipient): Uint8Array {
  const [kind, whom] = 'group' in to ? ([1, to.group] as const) : ([2, to.sub] as const);
  const names = [to.iss, whom, keyId].map(utf8);
  return concatBytes(Uint8Array.of(kind), ...names.flatMap((name) => [Uint8Array.of(name.length), name]));
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
  if (length <= RECIPIENTS_START) throw new CountersignError('asset_invalid', 'the header is too short');
  return length;
}

/**
 * A header that anybody may have written: nothing of it is true before the first chunk opened under it, and it is its
 * sealer's when the signature behind the last one has been verified. Throws
 * `asset_invalid`.
 */
export function decodeAssetHeader(bytes: Uint8Array): AssetHeader {
  if (assetHeaderLength(bytes) !== bytes.length) {
    throw new CountersignError('asset_invalid', 'the header has another length than it says');
  }
  if (viewOf(bytes).getUint32(ASSET_PREAMBLE_BYTES) !== ASSET_CHUNK_BYTES) {
    throw new CountersignError('asset_invalid', 'the chunks have another size than this version knows');
  }
  const [first, ...also] = recipientsOf(bytes.subarray(RECIPIENTS_START));
  if (first === undefined || also.length >= ASSET_RECIPIENTS) {
    throw new CountersignError('asset_invalid', 'the header names too many recipients');
  }
  const salt = Uint8Array.from(bytes.subarray(SALT_START, RECIPIENTS_START));
  return { ...first, salt, ...(also.length > 0 ? { also } : {}) };
}

/** The recipients one behind the other. */
function recipientsOf(bytes: Uint8Array): AssetRecipient[] {
  const recipients: AssetRecipient[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const kind = bytes[offset];
    const names: string[] = [];
    offset += 1;
    while (names.length < 3) {
      const end = offset + 1 + (bytes[offset] ?? 0);
      if (offset >= bytes.length || end > bytes.length) {
        throw new CountersignError('asset_invalid', 'a recipient of the header is cut short');
      }
      names.push(String.fromCharCode(...bytes.subarray(offset + 1, end)));
      offset = end;
    }
    const [iss = '', whom = '', keyId = ''] = names;
    recipients.push({ to: partyOf(kind, iss, whom), keyId: checked(nameSchemas.keyId, keyId) });
  }
  return recipients;
}

function partyOf(kind: number | undefined, issText: string, whom: string): Party {
  const iss = checked(nameSchemas.iss, issText);
  if (kind === 1) return { iss, group: checked(nameSchemas.group, whom) };
  if (kind === 2) return { iss, sub: checked(nameSchemas.sub, whom) };
  throw new CountersignError('asset_invalid', 'the recipient is neither a group nor a person');
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
