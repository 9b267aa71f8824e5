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
import { makeDevice } from '../protocol/company.ts';

const ISS = 'https://bridge.acme.example';
const KEY = new Uint8Array(32).map((_, index) => index);
const HEADER: AssetHeader = {
  ...{ to: { iss: ISS, group: 'a'.repeat(43) }, keyId: 'key-1' },
  salt: new Uint8Array(32).map((_, index) => 255 - index),
  also: [{ to: { iss: ISS, sub: 'sub-bob' }, keyId: 'key-2' }],
};
const SEALER = await makeDevice('gwen’s laptop');
const SIGNER = {
  device_id: SEALER.sig.kid,
  keys: [SEALER.pre, SEALER.sig.publicKey] as [typeof SEALER.pre, typeof SEALER.sig.publicKey],
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
  return all(chunks.pipeThrough(await createAssetOpener(KEY, header, SIGNER)));
}

const many = (count: number) => Array.from({ length: count }, (_, at) => ({ ...HEADER, keyId: `key-${at}` }));

describe('an asset for several', () => {
  it('has these bytes in its header', () => {
    expect(Buffer.from(encodeAssetHeader(HEADER)).toString('latin1')).toBe(
      `CSASSET\x03\0\xa8\0\x01\0\0${Buffer.from(HEADER.salt).toString('latin1')}` +
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

  it('is refused with a recipient left out, added or moved', async () => {
    const sealed = await all(streamOf(CONTENT).pipeThrough(await createAssetSealer(KEY, HEADER, SEALER.sig)));
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

  it('is no asset of the versions that had no signature', async () => {
    for (const version of [1, 2]) {
      const bytes = encodeAssetHeader(HEADER);
      bytes[7] = version;
      await expectCode(open(bytes), 'asset_invalid');
    }
  });
});
