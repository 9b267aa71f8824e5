import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../protocol/bytes.ts';
import {
  type AssetHeader,
  assetRecipients,
  decodeAssetHeader,
  encodeAssetHeader,
  newAssetHeader,
} from '../../protocol/groups/asset.ts';
import { createAssetOpener, createAssetSealer, readAssetHeader } from '../../protocol/groups/asset-chunks.ts';
import { expectCode } from '../binding/expect-code.ts';

const ISS = 'https://bridge.acme.example';
const KEY = new Uint8Array(32).map((_, index) => index);
const HEADER: AssetHeader = {
  ...{ to: { iss: ISS, group: 'a'.repeat(43) }, keyId: 'key-1' },
  salt: new Uint8Array(32).map((_, index) => 255 - index),
  also: [{ to: { iss: ISS, sub: 'sub-bob' }, keyId: 'key-2' }],
};
const CONTENT = new Uint8Array(100).fill(7);

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

async function all(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return concatBytes(...pieces);
}

async function open(sealed: Uint8Array): Promise<Uint8Array> {
  const { header, chunks } = await readAssetHeader(streamOf(sealed));
  return all(chunks.pipeThrough(await createAssetOpener(KEY, header)));
}

const many = (count: number) => Array.from({ length: count }, (_, at) => ({ ...HEADER, keyId: `key-${at}` }));

describe('an asset for several', () => {
  it('has these bytes in its header', () => {
    expect(Buffer.from(encodeAssetHeader(HEADER)).toString('latin1')).toBe(
      `CSASSET\x02\0\xa8\0\x01\0\0${Buffer.from(HEADER.salt).toString('latin1')}` +
        `\x01\x1b${ISS}+${'a'.repeat(43)}\x05key-1\x02\x1b${ISS}\x07sub-bob\x05key-2`,
    );
  });

  it('names them in their order, up to sixteen', () => {
    const header = newAssetHeader(HEADER.to, 'key-0', many(15));
    const read = decodeAssetHeader(encodeAssetHeader(header));
    expect(assetRecipients(read).map(({ keyId }) => keyId)).toEqual([
      'key-0',
      ...Array.from({ length: 15 }, (_, at) => `key-${at}`),
    ]);
    expect(() => encodeAssetHeader(newAssetHeader(HEADER.to, 'key-0', many(16)))).toThrow(/asset_invalid/);
  });

  it('for one has the bytes that it always had', () => {
    expect(encodeAssetHeader(newAssetHeader(HEADER.to, 'key-1'))[7]).toBe(1);
  });

  it('is refused with a recipient left out, added or moved', async () => {
    const sealed = await all(streamOf(CONTENT).pipeThrough(await createAssetSealer(KEY, HEADER)));
    expect(await open(sealed)).toEqual(CONTENT);
    const chunks = sealed.subarray(encodeAssetHeader(HEADER).length);
    const { to, keyId, salt, also = [] } = HEADER;
    const [bob = HEADER] = also;
    for (const other of [
      { to, keyId, salt },
      { ...HEADER, also: [bob, bob] },
      { to: bob.to, keyId: bob.keyId, salt, also: [{ to, keyId }] },
    ]) {
      await expectCode(open(concatBytes(encodeAssetHeader(other), chunks)), 'asset_damaged');
    }
  });

  it('is no asset with another number of recipients than its version has', async () => {
    const two = encodeAssetHeader(HEADER);
    two[7] = 1;
    await expectCode(open(two), 'asset_invalid');
    const one = encodeAssetHeader(newAssetHeader(HEADER.to, 'key-1'));
    one[7] = 2;
    await expectCode(open(one), 'asset_invalid');
  });
});
