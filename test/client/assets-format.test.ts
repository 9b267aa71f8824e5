import { createCipheriv, createDecipheriv, createHash, createPublicKey, hkdfSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../protocol/bytes.ts';
import { type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import {
  ASSET_CHUNK_BYTES,
  type AssetHeader,
  decodeAssetHeader,
  encodeAssetHeader,
  newAssetHeader,
} from '../../protocol/groups/asset.ts';
import { createAssetOpener, createAssetSealer, readAssetHeader } from '../../protocol/groups/asset-chunks.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { makeDevice } from '../protocol/company.ts';

const KEY = new Uint8Array(32).map((_, index) => index);
const HEADER: AssetHeader = {
  to: { iss: 'https://bridge.acme.example', group: 'a'.repeat(43) },
  keyId: 'key-1',
  salt: new Uint8Array(32).map((_, index) => 255 - index),
};
const HEADER_BYTES = encodeAssetHeader(HEADER);
const SEALED_CHUNK = ASSET_CHUNK_BYTES + 16;
const SIGNATURE = 64;
/** The device that sealed the key, and another whose person has opened it. */
const SEALER = await makeDevice('gwen’s laptop');
const READER = await makeDevice('ada’s laptop');

function signerOf({ pre, sig }: typeof SEALER) {
  return { device_id: sig.kid, keys: [pre, sig.publicKey] as [typeof pre, typeof sig.publicKey] };
}

function content(length: number): Uint8Array {
  return new Uint8Array(length).map((_, index) => (index * 31 + (index >> 8)) % 256);
}

function streamOf(...pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

async function all(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return concatBytes(...pieces);
}

async function seal(bytes: Uint8Array, header = HEADER, by = SEALER): Promise<Uint8Array> {
  return all(streamOf(bytes).pipeThrough(await createAssetSealer(KEY, header, by.sig)));
}

async function open(sealed: Uint8Array, key = KEY, pieces = [sealed]): Promise<Uint8Array> {
  const { header, chunks } = await readAssetHeader(streamOf(...pieces));
  return all(chunks.pipeThrough(await createAssetOpener(key, header, signerOf(SEALER))));
}

async function codeOf(opening: Promise<unknown>): Promise<ErrorCode | 'it opened'> {
  try {
    await opening;
    return 'it opened';
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    return error.code;
  }
}

/** Header and chunks of an asset, to be put together otherwise. */
function partsOf(sealed: Uint8Array): { header: Uint8Array; chunks: Uint8Array[] } {
  const chunks: Uint8Array[] = [];
  for (let start = HEADER_BYTES.length; start < sealed.length; start += SEALED_CHUNK) {
    chunks.push(sealed.slice(start, start + SEALED_CHUNK));
  }
  return { header: sealed.slice(0, HEADER_BYTES.length), chunks };
}

describe('a sealed asset', () => {
  it.each([0, 1, 15, 65_471, 65_472, 65_473, 65_535, 65_536, 65_537, 131_072, 200_000])(
    'gives the same %d bytes back, however they come',
    async (length) => {
      const sealed = await seal(content(length));
      const encrypted = length + SIGNATURE;
      expect(sealed.length).toBe(HEADER_BYTES.length + encrypted + 16 * Math.ceil(encrypted / 65_536));
      expect(await open(sealed)).toEqual(content(length));
      const bytewise = Array.from({ length: 100 }, (_, index) => sealed.subarray(index, index + 1));
      expect(await open(sealed, KEY, [...bytewise, sealed.subarray(100)])).toEqual(content(length));
    },
  );

  it('has these bytes', async () => {
    expect(Buffer.from(HEADER_BYTES).toString('latin1')).toBe(
      `CSASSET\x03\0\x7d\0\x01\0\0${Buffer.from(HEADER.salt).toString('latin1')}\x01` +
        `\x1bhttps://bridge.acme.example+${'a'.repeat(43)}\x05key-1`,
    );
    expect(sha256Base64url(await seal(content(3)))).toBe('A0f4n0rD84eAHP4ZtXS48QpiNNPoWwoEZ-fQgqhIys8');
    expect(sha256Base64url(await seal(content(200_000)))).toBe('8Cr93-2M43xO_UTUpovBXBGdKR7op_KuVuni7tgjwCA');
  });

  it('opens by the description of the format alone', async () => {
    const sealed = await seal(content(70_000));
    const derived = Buffer.from(hkdfSync('sha256', KEY, HEADER.salt, 'countersign/asset/v1\n', 39));
    const opened = partsOf(sealed).chunks.map((chunk, index, { length }) => {
      const nonce = [...derived.subarray(32), 0, 0, 0, index, index === length - 1 ? 1 : 0];
      const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), Uint8Array.from(nonce));
      decipher.setAAD(HEADER_BYTES).setAuthTag(chunk.subarray(-16));
      return Buffer.concat([decipher.update(chunk.subarray(0, -16)), decipher.final()]);
    });
    const whole = Buffer.concat(opened);
    expect(new Uint8Array(whole.subarray(0, -SIGNATURE))).toEqual(content(70_000));
    const sha256 = (...pieces: Uint8Array[]) =>
      createHash('sha256')
        .update(concatBytes(...pieces))
        .digest();
    const digests = [whole.subarray(0, 65_536), whole.subarray(65_536, -SIGNATURE)].map((piece) =>
      sha256(piece),
    );
    const signed = {
      content: sha256(...digests).toString('base64url'),
      device: SEALER.sig.kid,
      header: sha256(HEADER_BYTES).toString('base64url'),
    };
    const message = Buffer.from(`countersign/asset/v1\n${JSON.stringify(signed)}`);
    const key = createPublicKey({ key: { ...SEALER.sig.publicKey }, format: 'jwk' });
    expect(verify(null, message, key, whole.subarray(-SIGNATURE))).toBe(true);
  });

  it('is sealed and opened in bounded memory, however large', async () => {
    const total = 2 ** 29;
    const piece = content(2 ** 20);
    let sent = 0;
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= total) return controller.close();
        sent += piece.length;
        controller.enqueue(piece);
      },
    });
    const { header, chunks } = await readAssetHeader(
      source.pipeThrough(await createAssetSealer(KEY, HEADER, SEALER.sig)),
    );
    const before = process.memoryUsage.rss();
    let most = before;
    let length = 0;
    const opener = await createAssetOpener(KEY, header, signerOf(SEALER));
    for await (const opened of chunks.pipeThrough(opener)) {
      length += opened.length;
      most = Math.max(most, process.memoryUsage.rss());
    }
    expect(length).toBe(total);
    expect(most - before).toBeLessThan(2 ** 27);
  });

  it('names a person as well as a group', () => {
    const header = newAssetHeader({ iss: 'https://bridge.acme.example', sub: 'sub-alice' }, 'key-1');
    expect(decodeAssetHeader(encodeAssetHeader(header))).toEqual(header);
    expect(header.salt).not.toEqual(newAssetHeader(header.to, header.keyId).salt);
  });

  it('is not written for a recipient who could not be read', () => {
    for (const to of [
      { iss: 'http://bridge.acme.example', group: 'a'.repeat(43) },
      { iss: 'https://bridge.acme.example', group: 'a' },
      { iss: 'https://bridge.acme.example', sub: 'a b' },
    ]) {
      expect(() => encodeAssetHeader({ ...HEADER, to })).toThrow(/asset_invalid/);
    }
  });
});

describe('an asset that was tampered with', () => {
  const length = 3 * ASSET_CHUNK_BYTES - SIGNATURE;
  let sealed: Uint8Array;
  const parts = async () => {
    sealed ??= await seal(content(length));
    return partsOf(sealed);
  };

  it('is refused with two chunks swapped', async () => {
    const { header, chunks } = await parts();
    const [first, second, third] = chunks;
    if (!first || !second || !third) throw new Error('three chunks');
    expect(await codeOf(open(concatBytes(header, second, first, third)))).toBe('asset_damaged');
    expect(await codeOf(open(concatBytes(header, first, first, third)))).toBe('asset_damaged');
    expect(await codeOf(open(concatBytes(header, first, second, third)))).toBe('it opened');
  });

  it('is refused when it ends early: within a chunk, after one, and after the header', async () => {
    const { header, chunks } = await parts();
    const whole = concatBytes(header, ...chunks);
    for (const cut of [1, 15, 16, 17, SEALED_CHUNK, SEALED_CHUNK + 1, 2 * SEALED_CHUNK, 3 * SEALED_CHUNK]) {
      expect(await codeOf(open(whole.subarray(0, whole.length - cut))), `${cut}`).toBe('asset_damaged');
    }
  });

  it('is refused with something behind its end', async () => {
    const { header, chunks } = await parts();
    const whole = concatBytes(header, ...chunks);
    const [first = whole] = chunks;
    for (const more of [new Uint8Array(1), new Uint8Array(16), first, whole]) {
      expect(await codeOf(open(concatBytes(whole, more)))).toBe('asset_damaged');
    }
  });

  it('is refused with a bit changed anywhere behind the header', async () => {
    const { header, chunks } = await parts();
    const whole = concatBytes(header, ...chunks);
    for (const at of [header.length, header.length + SEALED_CHUNK - 1, whole.length - 20, whole.length - 1]) {
      const changed = whole.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await codeOf(open(changed)), `${at}`).toBe('asset_damaged');
    }
  });

  it('is refused under another header, each member of it', async () => {
    const { chunks } = await parts();
    const others: AssetHeader[] = [
      { ...HEADER, keyId: 'key-2' },
      { ...HEADER, salt: new Uint8Array(32) },
      { ...HEADER, to: { iss: HEADER.to.iss, group: 'b'.repeat(43) } },
      { ...HEADER, to: { iss: HEADER.to.iss, sub: 'a'.repeat(43) } },
      { ...HEADER, to: { iss: 'https://bridge.globex.example', group: 'a'.repeat(43) } },
    ];
    for (const other of others) {
      const moved = concatBytes(encodeAssetHeader(other), ...chunks);
      expect(await codeOf(open(moved))).toBe('asset_damaged');
    }
  });

  it('is refused under another key', async () => {
    await parts();
    expect(await codeOf(open(sealed, new Uint8Array(32)))).toBe('asset_damaged');
  });

  it('is refused when a second asset under the same key lends it its chunks', async () => {
    const { header, chunks } = await parts();
    const [first, second] = chunks;
    const other = partsOf(await seal(content(length), { ...HEADER, salt: new Uint8Array(32).fill(7) }));
    if (!first || !second || !other.chunks[2]) throw new Error('three chunks');
    expect(await codeOf(open(concatBytes(header, first, second, other.chunks[2])))).toBe('asset_damaged');
  });

  it('gives out what is authentic before the damage, and then fails', async () => {
    const { header, chunks } = await parts();
    const [first, second] = chunks;
    if (!first || !second) throw new Error('two chunks');
    const begun = await readAssetHeader(streamOf(header, first, second));
    const opener = await createAssetOpener(KEY, begun.header, signerOf(SEALER));
    const opened = begun.chunks.pipeThrough(opener).getReader();
    expect((await opened.read()).value).toEqual(content(length).subarray(0, ASSET_CHUNK_BYTES - SIGNATURE));
    expect(await codeOf(opened.read())).toBe('asset_damaged');
  });
});

describe('an asset by somebody else who has its key', () => {
  const derived = Buffer.from(hkdfSync('sha256', KEY, HEADER.salt, 'countersign/asset/v1\n', 39));

  /** These chunks under this header, whatever is in them. */
  function encrypted(...plaintexts: Uint8Array[]): Uint8Array {
    const chunks = plaintexts.map((plaintext, index) => {
      const last = index === plaintexts.length - 1 ? 1 : 0;
      const iv = Uint8Array.from([...derived.subarray(32), 0, 0, 0, index, last]);
      const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), iv).setAAD(HEADER_BYTES);
      return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
    });
    return concatBytes(HEADER_BYTES, ...chunks);
  }

  /** What is in an asset of one chunk, with its signature. */
  function plaintextOf(sealed: Uint8Array): Uint8Array {
    const header = decodeAssetHeader(sealed.subarray(0, HEADER_BYTES.length));
    const keys = Buffer.from(hkdfSync('sha256', KEY, header.salt, 'countersign/asset/v1\n', 39));
    const iv = Uint8Array.from([...keys.subarray(32), 0, 0, 0, 0, 1]);
    const decipher = createDecipheriv('aes-256-gcm', keys.subarray(0, 32), iv);
    decipher.setAAD(sealed.subarray(0, HEADER_BYTES.length)).setAuthTag(sealed.subarray(-16));
    return concatBytes(decipher.update(sealed.subarray(HEADER_BYTES.length, -16)), decipher.final());
  }

  it('is refused: it is signed by another device', async () => {
    for (const length of [0, 3, 200_000]) {
      expect(await codeOf(open(await seal(content(length), HEADER, READER)))).toBe('asset_signature');
    }
  });

  it('is refused: it is signed under the name of the device that sealed the key', async () => {
    const { sig } = SEALER;
    const posing = { ...READER, sig: { ...READER.sig, kid: sig.kid, publicKey: sig.publicKey } };
    expect(await codeOf(open(await seal(content(3), HEADER, posing)))).toBe('asset_signature');
  });

  it('is refused with the signature of another asset under the key', async () => {
    const signatureOf = (sealed: Uint8Array) => plaintextOf(sealed).subarray(-SIGNATURE);
    const other = signatureOf(await seal(content(4)));
    expect(await codeOf(open(encrypted(concatBytes(content(3), other))))).toBe('asset_signature');
    const salt = new Uint8Array(32).fill(7);
    const sameElsewhere = signatureOf(await seal(content(3), { ...HEADER, salt }));
    const moved = encrypted(concatBytes(content(3), sameElsewhere));
    expect(await codeOf(open(moved))).toBe('asset_signature');
    const own = signatureOf(await seal(content(3)));
    expect(await open(encrypted(concatBytes(content(3), own)))).toEqual(content(3));
  });

  it('is refused without a signature', async () => {
    expect(await codeOf(open(encrypted(content(3))))).toBe('asset_signature');
    expect(await codeOf(open(encrypted(content(300))))).toBe('asset_signature');
  });

  it('is refused in a second form, with a last chunk that has nothing in it', async () => {
    const whole = plaintextOf(await seal(content(ASSET_CHUNK_BYTES - SIGNATURE), HEADER));
    expect(whole).toHaveLength(ASSET_CHUNK_BYTES);
    expect(await open(encrypted(whole))).toEqual(content(ASSET_CHUNK_BYTES - SIGNATURE));
    expect(await codeOf(open(encrypted(whole, new Uint8Array())))).toBe('asset_damaged');
  });

  it('gives out nothing of its last chunk', async () => {
    const { header, chunks } = await readAssetHeader(streamOf(await seal(content(1000), HEADER, READER)));
    const opened = chunks.pipeThrough(await createAssetOpener(KEY, header, signerOf(SEALER))).getReader();
    expect(await codeOf(opened.read())).toBe('asset_signature');
  });
});

describe('what is no asset', () => {
  const changed = (at: number, value: number) => {
    const bytes = concatBytes(HEADER_BYTES, new Uint8Array(32));
    bytes[at] = value;
    return bytes;
  };
  it.each([
    ['nothing', new Uint8Array()],
    ['other magic', changed(0, 0x50)],
    ['another version', changed(7, 2)],
    ['a version that is not known yet', changed(7, 4)],
    ['a length that is too short for a header', changed(9, 10)],
    ['a length beyond the names', changed(9, (HEADER_BYTES[9] ?? 0) + 1)],
    ['a header that is cut short', HEADER_BYTES.subarray(0, HEADER_BYTES.length - 1)],
    ['other chunks', changed(12, 1)],
    ['a recipient of no kind', changed(46, 3)],
    ['a name that is longer than the header', changed(47, 255)],
    ['an issuer that is none', changed(48, 0x20)],
  ])('is refused: %s', async (_, bytes) => {
    expect(await codeOf(open(bytes))).toBe('asset_invalid');
  });

  it('is refused: a stream of something else than bytes', async () => {
    const text = new ReadableStream({ start: (controller) => controller.enqueue('text') });
    expect(await codeOf(readAssetHeader(text))).toBe('asset_invalid');
  });

  it('is not read to its end', async () => {
    let cancelled: unknown = null;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024)),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    expect(await codeOf(readAssetHeader(endless))).toBe('asset_invalid');
    expect(isCountersignError(cancelled, 'asset_invalid')).toBe(true);
  });
});
