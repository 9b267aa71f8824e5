import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AssetContent, VerifiedGroup } from '../../client/index.ts';
import { concatBytes, utf8 } from '../../protocol/bytes.ts';
import { encodeAssetHeader, newAssetHeader } from '../../protocol/groups/asset.ts';
import { createAssetSealer } from '../../protocol/groups/asset-chunks.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type GroupsStage, type Participant, startGroupsStage } from './groups-stage.ts';

const TRANSCRIPT = utf8('Gwen: shall we?\nAda: we shall.\n'.repeat(5000));

let stage: GroupsStage;
let group: VerifiedGroup;
let asset: Uint8Array;

async function all(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return concatBytes(...pieces);
}

beforeAll(async () => {
  stage = await startGroupsStage();
  const { gwen, ada } = stage;
  group = await gwen.client.groups.create({ kind: 'durable', label: 'Transcripts' });
  await gwen.client.groups.add(group, { people: [ada.address] });
  await ada.client.groups.view({ ...group, expected: gwen.address });
  asset = await all((await gwen.client.assets.seal(TRANSCRIPT, { to: group })).stream);
}, 120_000);
afterAll(() => stage.close());

/** The key that somebody’s device signs with. */
async function deviceOf({ keyStore }: Participant) {
  const secrets = await keyStore.load();
  if (secrets === null) throw new Error('not signed in');
  return secrets.sig;
}

async function opened(content: AssetContent, by = stage.ada): Promise<Uint8Array> {
  return all((await by.client.assets.open(content)).stream);
}

describe('an asset', () => {
  it('is opened by the members of its group, at whichever bridge they are', async () => {
    expect(await opened(asset)).toEqual(TRANSCRIPT);
    const { sealer, keyId, to } = await stage.ada.client.assets.open(asset);
    expect(sealer).toMatchObject({ address: stage.gwen.address, role: 'admin' });
    expect(to).toEqual({ iss: group.iss, group: group.group });
    expect(keyId).not.toBe('');
  });

  it('is opened by nobody else', async () => {
    await expectCode(stage.hal.client.assets.open(asset), 'group_untrusted');
    const from = { ...group, expected: stage.gwen.address };
    await expectCode(stage.hal.client.assets.open(asset, { from }), 'group_unknown');
  });

  it('is held against the group and the sealer that the reader expects', async () => {
    const { gwen, ada } = stage;
    const other = await gwen.client.groups.create({ kind: 'durable', label: 'Other' });
    await expectCode(ada.client.assets.open(asset, { from: other }), 'sealed_key_mismatch');
    await expectCode(ada.client.assets.open(asset, { from: ada.address }), 'sealed_key_mismatch');
    await expectCode(ada.client.assets.open(asset, { sealer: ada.address }), 'sealed_key_sealer');
    const { stream } = await ada.client.assets.open(asset, { from: group, sealer: gwen.address });
    expect(await all(stream)).toEqual(TRANSCRIPT);
  });

  it('shares a key with others where one was sealed for several', async () => {
    const { gwen } = stage;
    const key = await gwen.client.groups.sealKey(group);
    const [agenda, slides] = await Promise.all(
      ['agenda', 'slides'].map(async (text) =>
        all((await gwen.client.assets.seal(utf8(text), { key })).stream),
      ),
    );
    expect(await opened(agenda ?? asset)).toEqual(utf8('agenda'));
    expect(await opened(slides ?? asset)).toEqual(utf8('slides'));
  });

  it('is sealed and opened as a stream, piece by piece', async () => {
    const { gwen, ada } = stage;
    let pulled = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(65_536).fill(pulled));
          if (pulled === 100) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const sealed = await gwen.client.assets.seal(source, { to: group });
    const { stream } = await ada.client.assets.open(sealed.stream);
    const reader = stream.getReader();
    expect((await reader.read()).value).toEqual(new Uint8Array(65_536 - 64).fill(1));
    expect(pulled).toBeLessThan(10);
    await reader.cancel();
  });

  it('for one person is opened by that person', async () => {
    const { gwen, ada } = stage;
    const { stream } = await gwen.client.assets.seal(TRANSCRIPT, { to: ada.address });
    const sealed = await all(stream);
    expect(await opened(sealed)).toEqual(TRANSCRIPT);
    await expectCode(gwen.client.assets.open(sealed), 'sealed_key_mismatch');
  });

  it('is refused with a changed byte, and under another header', async () => {
    const changed = asset.slice();
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    await expectCode(opened(changed), 'asset_damaged');
    const { keyId } = await stage.gwen.client.groups.sealKey(group);
    const { iss, group: id } = group;
    const moved = concatBytes(
      encodeAssetHeader(newAssetHeader({ iss, group: id }, keyId)),
      asset.subarray(200),
    );
    await expectCode(opened(moved), 'asset_damaged');
    await expectCode(opened(utf8('plain text')), 'asset_invalid');
  });

  it('by another reader of its key is refused, in the name of whoever sealed the key', async () => {
    const { gwen, ada } = stage;
    const { keyId } = await gwen.client.assets.open(asset);
    const { key } = await ada.client.groups.openKey(group, keyId);
    const { iss, group: id } = group;
    const header = newAssetHeader({ iss, group: id }, keyId);
    const byAda = await createAssetSealer(key, header, await deviceOf(ada));
    const forged = await all(new Blob([utf8('Gwen: I resign.')]).stream().pipeThrough(byAda));
    for (const reader of [gwen, ada]) await expectCode(opened(forged, reader), 'asset_signature');
  });

  it('is not made under a key that another device sealed', async () => {
    const { gwen, ada } = stage;
    const key = await gwen.client.groups.sealKey(group);
    await expectCode(ada.client.assets.seal(TRANSCRIPT, { key }), 'asset_signature');
  });

  it('under a key that nobody sealed is opened by nobody', async () => {
    const { iss, group: id } = group;
    const header = newAssetHeader({ iss, group: id }, 'no-such-key');
    const own = await createAssetSealer(new Uint8Array(32), header, await deviceOf(stage.gwen));
    const forged = await all(new Blob([TRANSCRIPT]).stream().pipeThrough(own));
    await expectCode(stage.ada.client.assets.open(forged), 'sealed_key_unknown');
  });
});
