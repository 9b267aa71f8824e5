import { decodeBase64url, encodeBase64url } from '../base64url.ts';
import { utf8 } from '../bytes.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import {
  ASSET_CHUNK_BYTES,
  ASSET_PREAMBLE_BYTES,
  type AssetHeader,
  assetHeaderLength,
  decodeAssetHeader,
  encodeAssetHeader,
} from './asset.ts';
import {
  ASSET_SIGNATURE_BYTES,
  signAsset,
  startContentDigest,
  verifyAssetSignature,
} from './asset-signature.ts';
import { type CutPieces, cutPieces, withoutTail } from './cut-pieces.ts';
import type { SigningDevice } from './signer-evidence.ts';

/*
 * The chunks of a sealed asset: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015) over AES-256-GCM.
 *
 *   key[32] and prefix[7] = HKDF-SHA256(sealed key, salt of the header, "countersign/asset/v1\n")
 *   nonce of a chunk      = prefix[7], its number u32 big-endian from 0, last[1] (1 for the last chunk, else 0)
 *   associated data       = the whole header
 *
 * What is encrypted is the content with the signature behind it (asset-signature.ts): 64 KiB in every chunk but the last,
 * at least a byte in that.
 */
const LABEL = utf8('countersign/asset/v1\n');
const PREFIX_BYTES = 7;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CHUNKS_MAX = 2 ** 32;

/** Bytes become bytes. What is held in between is one chunk, and what one piece of the source brings. */
export type AssetStream = TransformStream<Uint8Array, Uint8Array>;

/**
 * Content in, the sealed asset out. `key` is the 32 bytes of the sealed key that the header names, `device` the one that
 * sealed it.
 */
export async function createAssetSealer(
  key: Uint8Array,
  header: AssetHeader,
  device: SigningKey,
): Promise<AssetStream> {
  const headerBytes = encodeAssetHeader(header);
  const chunks = await openChunkCipher(key, header, headerBytes);
  const digest = startContentDigest();
  return piecewise((handOut) => {
    handOut(headerBytes);
    const pieces = cutPieces(ASSET_CHUNK_BYTES, async (piece, last) =>
      handOut(await chunks.seal(piece, last)),
    );
    return {
      async push(content) {
        await Promise.all([digest.add(content), pieces.push(content)]);
      },
      async end() {
        const signature = await signAsset(device, headerBytes, await digest.finish());
        await pieces.push(decodeBase64url(signature));
        await pieces.end();
      },
    };
  });
}

/**
 * The chunks behind the header in, the content out. Each chunk is in its place when it comes out, and by somebody who has
 * the key. That it is the last one, and that `sealer` (the device that sealed the key) made all of it, is known only at the
 * end: until the stream has ended well, what came out may be the beginning of something longer, or another reader's. What is
 * in the last chunk comes out after that. The stream fails with `asset_damaged` and `asset_signature`.
 */
export async function createAssetOpener(
  key: Uint8Array,
  header: AssetHeader,
  sealer: Pick<SigningDevice, 'device_id' | 'keys'>,
): Promise<AssetStream> {
  const headerBytes = encodeAssetHeader(header);
  const chunks = await openChunkCipher(key, header, headerBytes);
  const digest = startContentDigest();
  return piecewise((handOut) => {
    let ending: Uint8Array = new Uint8Array();
    let isLast = false;
    // What came out is hashed while the next chunk opens.
    let hashed: Promise<void> = Promise.resolve();
    const opened = withoutTail(ASSET_SIGNATURE_BYTES, async (content) => {
      await hashed;
      hashed = digest.add(content);
      if (isLast) ending = content;
      else handOut(content);
    });
    const pieces = cutPieces(ASSET_CHUNK_BYTES + TAG_BYTES, async (piece, last) => {
      isLast = last;
      await opened.push(await chunks.open(piece, last));
    });
    return {
      push: pieces.push,
      async end() {
        await pieces.end();
        await hashed;
        const signature = encodeBase64url(opened.tail());
        await verifyAssetSignature(sealer, headerBytes, { content: await digest.finish(), signature });
        handOut(ending);
      },
    };
  });
}

/** A stream of bytes whose pieces come out as `handOut` is called with them. */
function piecewise(begin: (handOut: (bytes: Uint8Array) => void) => CutPieces): AssetStream {
  let pieces: CutPieces | null = null;
  return new TransformStream<Uint8Array, Uint8Array>({
    start(controller) {
      pieces = begin((bytes) => {
        if (bytes.length > 0) controller.enqueue(bytes);
      });
    },
    transform: (value) => pieces?.push(bytesOf(value)),
    flush: () => pieces?.end(),
  });
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
      // An end with nothing in it would be a second form of the same asset.
      if (chunk.length <= TAG_BYTES) throw new CountersignError('asset_damaged', 'it is cut short');
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
