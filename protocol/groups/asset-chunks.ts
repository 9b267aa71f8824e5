import { utf8 } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import {
  ASSET_CHUNK_BYTES,
  ASSET_PREAMBLE_BYTES,
  type AssetHeader,
  assetHeaderLength,
  decodeAssetHeader,
  encodeAssetHeader,
} from './asset.ts';

/*
 * The chunks of a sealed asset: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015) over AES-256-GCM.
 *
 *   key[32] and prefix[7] = HKDF-SHA256(sealed key, salt of the header, "countersign/asset/v1\n")
 *   nonce of a chunk      = prefix[7], its number u32 big-endian from 0, last[1] (1 for the last chunk, else 0)
 *   associated data       = the whole header
 *
 * Every chunk but the last holds 64 KiB of content; the last one at least a byte, but for an asset without content.
 */
const LABEL = utf8('countersign/asset/v1\n');
const PREFIX_BYTES = 7;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CHUNKS_MAX = 2 ** 32;

/** Bytes become bytes. What is held in between is one chunk, and what one piece of the source brings. */
export type AssetStream = TransformStream<Uint8Array, Uint8Array>;

/** Content in, the sealed asset out. `key` is the 32 bytes of the sealed key that the header names. */
export async function createAssetSealer(key: Uint8Array, header: AssetHeader): Promise<AssetStream> {
  const headerBytes = encodeAssetHeader(header);
  const chunks = await openChunkCipher(key, header, headerBytes);
  return cuttingStream(ASSET_CHUNK_BYTES, {
    begin: headerBytes,
    piece: (bytes, last) => chunks.seal(bytes, last),
  });
}

/**
 * The chunks behind the header in, the content out. Each chunk is authentic and in its place when it comes out, but
 * that it is the last one is known only at the end: until the stream has ended well, what came out may be the
 * beginning of something longer. The stream fails with `asset_damaged`.
 */
export async function createAssetOpener(key: Uint8Array, header: AssetHeader): Promise<AssetStream> {
  const chunks = await openChunkCipher(key, header, encodeAssetHeader(header));
  return cuttingStream(ASSET_CHUNK_BYTES + TAG_BYTES, { piece: (bytes, last) => chunks.open(bytes, last) });
}

export interface BegunAsset {
  /** Attacker-controlled: it names the key, and is proved by whatever opens under it. */
  readonly header: AssetHeader;
  /** What is behind the header. */
  readonly chunks: ReadableStream<Uint8Array>;
}

/** Reads the header of an asset that anybody may have written. Throws `asset_invalid`, and what the source throws. */
export async function readAssetHeader(source: ReadableStream<Uint8Array>): Promise<BegunAsset> {
  const reader = source.getReader();
  try {
    let held = await readAtLeast(reader, new Uint8Array(), ASSET_PREAMBLE_BYTES);
    const length = assetHeaderLength(held);
    held = await readAtLeast(reader, held, length);
    if (held.length < length) throw new CountersignError('asset_invalid', 'the header is cut short');
    return { header: decodeAssetHeader(held.subarray(0, length)), chunks: rest(reader, held.slice(length)) };
  } catch (error) {
    await reader.cancel(error).catch(() => undefined);
    throw error;
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** What is held and so much more that it is `length` together, or all that there is. */
async function readAtLeast(reader: Reader, held: Uint8Array, length: number): Promise<Uint8Array> {
  let bytes = held;
  while (bytes.length < length) {
    const { done, value } = await reader.read();
    if (done) break;
    const piece = bytesOf(value);
    const longer = new Uint8Array(bytes.length + piece.length);
    longer.set(bytes);
    longer.set(piece, bytes.length);
    bytes = longer;
  }
  return bytes;
}

function rest(reader: Reader, held: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (held.length > 0) controller.enqueue(held);
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Cuts what comes into pieces of `size` bytes; which one is the last is known when nothing comes behind it. */
function cuttingStream(
  size: number,
  turn: {
    readonly begin?: Uint8Array;
    readonly piece: (bytes: Uint8Array<ArrayBuffer>, last: boolean) => Promise<Uint8Array>;
  },
): AssetStream {
  const held = new Uint8Array(size);
  let filled = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    start(controller) {
      if (turn.begin !== undefined) controller.enqueue(turn.begin);
    },
    async transform(value, controller) {
      const bytes = bytesOf(value);
      for (let offset = 0; offset < bytes.length; ) {
        if (filled === size) {
          controller.enqueue(await turn.piece(held, false));
          filled = 0;
        }
        const taken = bytes.subarray(offset, offset + size - filled);
        held.set(taken, filled);
        filled += taken.length;
        offset += taken.length;
      }
    },
    async flush(controller) {
      const last = await turn.piece(held.subarray(0, filled), true);
      if (last.length > 0) controller.enqueue(last);
      held.fill(0);
    },
  });
}

interface ChunkCipher {
  seal(content: Uint8Array<ArrayBuffer>, last: boolean): Promise<Uint8Array>;
  open(chunk: Uint8Array<ArrayBuffer>, last: boolean): Promise<Uint8Array>;
}

/** Counts the chunks: each call is for the next one. */
async function openChunkCipher(
  sealedKey: Uint8Array,
  { salt }: AssetHeader,
  headerBytes: Uint8Array<ArrayBuffer>,
): Promise<ChunkCipher> {
  const { key, prefix } = await deriveKeys(sealedKey, salt);
  let next = 0;
  const parametersOf = (last: boolean) => {
    if (next === CHUNKS_MAX) throw new CountersignError('payload_too_large', 'the asset has too many chunks');
    const iv = new Uint8Array(NONCE_BYTES);
    iv.set(prefix);
    new DataView(iv.buffer).setUint32(PREFIX_BYTES, next);
    iv[NONCE_BYTES - 1] = last ? 1 : 0;
    next += 1;
    return { name: 'AES-GCM', iv, additionalData: headerBytes };
  };
  return {
    seal: async (content, last) =>
      new Uint8Array(await crypto.subtle.encrypt(parametersOf(last), key, content)),
    async open(chunk, last) {
      // An end without content behind other chunks would be a second form of the same asset.
      const least = next === 0 ? TAG_BYTES : TAG_BYTES + 1;
      if (chunk.length < least) throw new CountersignError('asset_damaged', 'it is cut short');
      const parameters = parametersOf(last);
      try {
        return new Uint8Array(await crypto.subtle.decrypt(parameters, key, chunk));
      } catch (cause) {
        throw new CountersignError('asset_damaged', `chunk ${next - 1} does not open`, { cause });
      }
    },
  };
}

async function deriveKeys(
  sealedKey: Uint8Array,
  salt: Uint8Array,
): Promise<{ key: CryptoKey; prefix: Uint8Array }> {
  const secret = await crypto.subtle.importKey('raw', Uint8Array.from(sealedKey), 'HKDF', false, [
    'deriveBits',
  ]);
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: Uint8Array.from(salt), info: LABEL };
  const derived = new Uint8Array(
    await crypto.subtle.deriveBits(parameters, secret, 8 * (KEY_BYTES + PREFIX_BYTES)),
  );
  const key = await crypto.subtle.importKey('raw', derived.subarray(0, KEY_BYTES), 'AES-GCM', false, [
    'encrypt',
    'decrypt',
  ]);
  const prefix = derived.slice(KEY_BYTES);
  derived.fill(0);
  return { key, prefix };
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new CountersignError('asset_invalid', 'the stream does not consist of bytes');
}
