import { describe, expect, it } from 'vitest';
import { readBeginning } from '../../client/log-tiles.ts';
import { encodeBase64 } from '../../protocol/tlog/base64.ts';
import {
  type ComparedLog,
  compareCheckpoints,
  type SplitView,
  verifySplitView,
} from '../../protocol/tlog/split-view.ts';
import { formatVerifierKey, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import { codeOf } from '../protocol/codes.ts';
import { testKey } from '../protocol/company.ts';
import { noteSigner, rawSigner } from '../protocol/keytrans/small-key-log.ts';
import { logKey, ORIGIN, onlineKeys, ROOT, View, VKEY, verifier } from './forked-log.ts';

const LOG: ComparedLog = { origin: ORIGIN, logKeys: [verifier] };

/** Two views of one log that part at entry 300, behind the first full tile. */
const honest = new View(700);
const forked = new View(700, { name: 'forked', from: 300 });

function compare(notes: [string, string], tiles: View = honest, log = LOG): Promise<SplitView | null> {
  return compareCheckpoints(notes, log, (older, newer) => readBeginning(tiles.tile, older.size, newer.size));
}

async function evidenceOf(notes: [string, string], tiles?: View, log?: ComparedLog): Promise<SplitView> {
  const evidence = await compare(notes, tiles, log);
  if (evidence === null) throw new Error('there is no evidence');
  return evidence;
}

const sameSize = async () => evidenceOf([await honest.note(), await forked.note()]);
const otherSize = async () => evidenceOf([await forked.note(400), await honest.note()]);
const refused = (value: unknown, trust?: Parameters<typeof verifySplitView>[1]) =>
  codeOf(() => verifySplitView(value, trust));

describe('two checkpoints of one log', () => {
  it.each([
    [1, 2],
    [255, 256],
    [256, 257],
    [299, 700],
    [300, 512],
    [512, 700],
    [700, 700],
  ])('are consistent at %i and %i entries of an honest log', async (size, larger) => {
    expect(await compare([await honest.note(size), await honest.note(larger)])).toBeNull();
    expect(await compare([await honest.note(larger), await honest.note(size)])).toBeNull();
  });

  it('are consistent where the fork had not begun', async () => {
    expect(await compare([await forked.note(300), await honest.note()])).toBeNull();
  });

  it('prove a fork of one size by themselves', async () => {
    const evidence = await sameSize();
    expect(evidence.beginning).toBeUndefined();
    expect(await verifySplitView(evidence)).toEqual({
      ...{ origin: ORIGIN, sizes: [700, 700], logKeys: [VKEY], root: null },
    });
  });

  it.each([301, 400, 511, 512, 699])(
    'prove a fork of %i and 700 entries with the tiles of the larger',
    async (size) => {
      const notes: [string, string] = [await honest.note(), await forked.note(size)];
      const evidence = await evidenceOf(notes);
      expect(evidence.checkpoints).toEqual([notes[1], notes[0]]);
      const portable = JSON.parse(JSON.stringify(evidence));
      expect((await verifySplitView(portable)).sizes).toEqual([size, 700]);
    },
  );

  it('decide nothing with the tiles of another view than the larger’s', async () => {
    expect(await codeOf(async () => compare([await honest.note(400), await forked.note()]))).toBe(
      'log_proof',
    );
  });

  it('decide nothing where the log holds back its tiles', async () => {
    const notes: [string, string] = [await honest.note(400), await honest.note()];
    const none = () =>
      compareCheckpoints(notes, LOG, (older, newer) =>
        readBeginning(async () => null, older.size, newer.size),
      );
    expect(await codeOf(none)).toBe('log_proof');
  });

  it('say nothing about a log that nobody signed them for', async () => {
    const other = noteSigner('bridge.acme.example/log', 'impostor');
    expect(await codeOf(async () => compare([await honest.note(), await forked.note(700, other)]))).toBe(
      'note_signature',
    );
  });
});

describe('evidence of a split view', () => {
  it('names the root that vouches for the log’s key', async () => {
    const evidence = { ...(await otherSize()), online_keys: await onlineKeys() };
    expect((await verifySplitView(evidence)).root).toBe(ROOT);
    expect((await verifySplitView(evidence, { root: ROOT, logKeys: [VKEY] })).root).toBe(ROOT);
  });

  it('is of another root than the reader trusts: refused', async () => {
    const other = await testKey('another root');
    const evidence = { ...(await otherSize()), online_keys: await onlineKeys([logKey], other) };
    expect(await refused(evidence, { root: ROOT })).toBe('root_mismatch');
    expect(await refused(await otherSize(), { root: ROOT })).toBe('root_mismatch');
  });

  it('is by a key that the root does not vouch for: refused', async () => {
    const evidence = { ...(await otherSize()), online_keys: await onlineKeys([await testKey('other log')]) };
    expect(await refused(evidence)).toBe('split_view_evidence');
  });

  it('is by another key than the reader trusts: refused', async () => {
    const other = formatVerifierKey(verifierKey(ORIGIN, 1, noteSigner(ORIGIN).publicKey));
    expect(await refused(await otherSize(), { logKeys: [other] })).toBe('split_view_evidence');
  });
});

describe('evidence against an honest log', () => {
  it('with an altered note is refused', async () => {
    const evidence = await evidenceOf([await honest.note(), await forked.note()]);
    const [first] = evidence.checkpoints;
    const altered = first.replace(honest.text(), forked.text()).replace('\n700\n', '\n699\n');
    expect(await refused({ ...evidence, checkpoints: [first, altered] })).toBe('note_signature');
  });

  it('with a checkpoint signed by another key is refused, and so is that key where the reader knows better', async () => {
    const impostor = noteSigner(ORIGIN, 'impostor');
    const forgery = await forked.note(700, impostor);
    const vkey = formatVerifierKey(verifierKey(ORIGIN, 1, impostor.publicKey));
    const evidence = { ...(await sameSize()), checkpoints: [await honest.note(), forgery] };
    expect(await refused(evidence)).toBe('note_signature');
    const withKey = { ...evidence, log_keys: [VKEY, vkey] };
    expect(await refused(withKey, { logKeys: [VKEY] })).toBe('split_view_evidence');
    expect(await refused({ ...withKey, online_keys: await onlineKeys() }, { root: ROOT })).toBe(
      'split_view_evidence',
    );
  });

  it('with a key of another name, which signs another log, is refused', async () => {
    const other = rawSigner('bridge.other.example/log', logKey);
    const vkey = formatVerifierKey(verifierKey(other.name, 1, other.publicKey));
    expect(await refused({ ...(await sameSize()), log_keys: [VKEY, vkey] })).toBe('split_view_evidence');
  });

  it('with the notes of two logs is refused', async () => {
    const note = (await forked.note()).replaceAll(ORIGIN, 'bridge.other.example/log');
    expect(await refused({ ...(await sameSize()), checkpoints: [await honest.note(), note] })).toBe(
      'log_origin',
    );
  });

  it('with one checkpoint twice is refused', async () => {
    const note = await honest.note();
    expect(await refused({ ...(await sameSize()), checkpoints: [note, note] })).toBe('split_view_evidence');
  });

  it('that shows only that the log has grown is refused', async () => {
    const { root, proof } = await readBeginning(honest.tile, 400, 700);
    const beginning = { root: encodeBase64(root), proof: proof.map((hash) => encodeBase64(hash)) };
    const { beginning: _other, ...rest } = await otherSize();
    const checkpoints = [await honest.note(400), await honest.note()];
    expect(await refused({ ...rest, checkpoints, beginning })).toBe('split_view_evidence');
    expect(await refused({ ...rest, checkpoints })).toBe('split_view_evidence');
  });

  it('with a beginning that the larger tree does not have is refused', async () => {
    const evidence = await otherSize();
    const { root, proof } = await readBeginning(forked.tile, 400, 700);
    const beginning = { root: encodeBase64(root), proof: proof.map((hash) => encodeBase64(hash)) };
    const checkpoints = [await honest.note(400), await honest.note()];
    expect(await refused({ ...evidence, checkpoints, beginning })).toBe('split_view_evidence');
    const swapped = { ...evidence.beginning, root: encodeBase64(root) };
    expect(await refused({ ...evidence, checkpoints, beginning: swapped })).toBe('split_view_evidence');
  });

  it('with the larger tree first is refused', async () => {
    const evidence = await otherSize();
    expect(await refused({ ...evidence, checkpoints: evidence.checkpoints.toReversed() })).toBe(
      'split_view_evidence',
    );
  });

  it.each([
    ['nothing', null],
    ['another format', { format: 'countersign-split-view/v2' }],
    ['a member more', { more: true }],
    ['no keys', { log_keys: [] }],
    ['a beginning for one size', { beginning: { root: encodeBase64(new Uint8Array(32)), proof: [] } }],
    ['a hash that is none', { beginning: { root: 'AAAA', proof: [] } }],
  ])('with %s is refused', async (_what, changes) => {
    const evidence = await sameSize();
    expect(await refused(changes === null ? null : { ...evidence, ...changes })).toBe('split_view_evidence');
  });
});

it('reads the full tile where the log has dropped a partial one', async () => {
  const dropped = async (path: string) => (path.includes('.p/') ? null : honest.tile(path));
  const notes: [string, string] = [await honest.note(100), await honest.note(250)];
  const beginningOf: Parameters<typeof compareCheckpoints>[2] = (older, newer) =>
    readBeginning(dropped, older.size, newer.size);
  expect(await compareCheckpoints(notes, LOG, beginningOf)).toBeNull();
});
