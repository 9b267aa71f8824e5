import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rotateKeys } from '../../bridge/signer/key-ceremony.ts';
import type { SignedCheckpoint } from '../../bridge/tlog/checkpoint-store.ts';
import { createHeadFile, type HeadFile } from '../../bridge/tlog/head-file.ts';
import { currentLogKey } from '../../bridge/tlog/note-signer.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { openCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { checkLog, ORIGIN, type TlogFixture, tlogFixture } from './tlog-fixture.ts';

let fixture: TlogFixture;

beforeEach(async () => {
  fixture = await tlogFixture();
});

afterEach(async () => {
  await fixture.remove();
});

function rows() {
  return fixture.store.database.read((query) =>
    query.selectFrom('log_checkpoints').selectAll().orderBy('size').execute(),
  );
}

describe('a checkpoint', () => {
  it('is signed after its head is in the head file, and told to the listeners then', async () => {
    const { sequencer, checkpoints } = fixture.openLog();
    const told: [SignedCheckpoint, string][] = [];
    checkpoints.onPublished((each) => told.push([each, readFileSync(fixture.headFilePath, 'utf8')]));
    await fixture.stage('p1', 'p2');
    await sequencer.settled();
    const [row] = await rows();
    expect(told).toHaveLength(1);
    expect(told[0]?.[0]).toEqual(row);
    expect(JSON.parse(told[0]?.[1] ?? '')).toEqual({ origin: ORIGIN, size: 3, root: row?.root });
    expect(await checkLog(fixture)).toMatchObject({ size: 3, published: 3 });
  });

  it('is a signed note that its log key opens, with the cosignatures behind', async () => {
    const { sequencer, checkpoints } = fixture.openLog();
    await fixture.stage('p1');
    await sequencer.settled();
    const newest = await fixture.store.database.read((query) => checkpoints.newest(query));
    if (newest === undefined) throw new Error('nothing is signed');
    const line = '— witness.example AAAAAAAA\n';
    const logKeys = [currentLogKey(fixture.signer, ORIGIN)];
    const opened = await openCheckpoint(checkpoints.noteOf(newest, [{ line }]), { origin: ORIGIN, logKeys });
    expect(opened.checkpoint.size).toBe(2);
    expect(opened.note.signatures.map(({ name }) => name)).toEqual([ORIGIN, 'witness.example']);
  });

  it('has the same bytes whoever signs it, and however often', async () => {
    const { sequencer, checkpoints } = fixture.openLog();
    await fixture.stage('p1');
    await sequencer.settled();
    const [first] = await rows();
    await fixture.store.database.transaction((tx) =>
      tx.updateTable('log_checkpoints').set({ log_signature: null }).execute(),
    );
    const other = fixture.openLog({ database: await fixture.store.openAnother(), headFile: undefined });
    expect(await Promise.all([checkpoints.publish(), other.checkpoints.publish()])).toContain(true);
    expect(await rows()).toEqual([first]);
  });

  it('that another process published is told here too, once', async () => {
    const { sequencer } = fixture.openLog();
    const other = fixture.openLog({ database: await fixture.store.openAnother(), headFile: undefined });
    const told: number[] = [];
    other.checkpoints.onPublished(({ size }) => told.push(size));
    await fixture.stage('p1');
    await sequencer.settled();
    expect(await other.checkpoints.publish()).toBe(true);
    expect(await other.checkpoints.publish()).toBe(false);
    expect(told).toEqual([2]);
  });

  it('gets the signature of a new key beside the old one’s where it is the newest, and only there', async () => {
    const { sequencer, checkpoints } = fixture.openLog();
    for (const sub of ['p1', 'p2']) {
      await fixture.stage(sub);
      await sequencer.settled();
    }
    const [older] = await rows();
    const oldKey = currentLogKey(fixture.signer, ORIGIN);
    const { root, keyEncryptionKey, clock, store } = fixture;
    await store.database.transaction((tx) =>
      rotateKeys(tx, { root, keyEncryptionKey, clock, purposes: ['log'] }),
    );
    await fixture.signer.refresh();
    expect(await checkpoints.publish()).toBe(true);
    expect(await checkpoints.publish()).toBe(false);
    const [olderNow] = await rows();
    expect(olderNow).toEqual(older);
    const newest = await store.database.read((query) => checkpoints.newest(query));
    const note = newest === undefined ? '' : checkpoints.noteOf(newest);
    for (const key of [oldKey, currentLogKey(fixture.signer, ORIGIN)]) {
      // each for those to whom the other does not count
      const { verified } = await openCheckpoint(note, { origin: ORIGIN, logKeys: [key] });
      expect(verified.map((each) => each.key)).toEqual([key]);
    }
  });

  it('is not signed while nothing is trusted', async () => {
    const doubt = new CountersignError('unavailable', 'in doubt');
    const { sequencer } = fixture.openLog({ assertTrusted: () => Promise.reject(doubt) });
    await fixture.stage('p1');
    await expect(sequencer.settled()).rejects.toBe(doubt);
    expect(await checkLog(fixture)).toEqual({ size: 0, entries: [], published: undefined });
  });
});

describe('a store that was put back', () => {
  /** The log as it was after the first epoch, with the signatures of then. */
  async function putBack() {
    const { sequencer } = fixture.openLog();
    await fixture.stage('p1');
    await sequencer.settled();
    await fixture.store.database.transaction(async (tx) => {
      await tx.deleteFrom('log_checkpoints').execute();
      await tx.deleteFrom('log_tiles').execute();
      await tx.deleteFrom('log_entry_bundles').execute();
      await tx.deleteFrom('log_heads').execute();
      await tx.deleteFrom('events').execute();
    });
    return sequencer;
  }

  it('is not written to and not signed from, by the process that runs', async () => {
    const sequencer = await putBack();
    await fixture.stage('p2');
    await expect(sequencer.settled()).rejects.toMatchObject({ code: 'state_refused' });
    expect(await checkLog(fixture).catch((error) => String(error))).toMatchObject({ size: 0 });
  });

  it('is not signed from by a new process either, thanks to the head file', async () => {
    await putBack();
    await fixture.stage('p2');
    const { sequencer } = fixture.openLog();
    await expect(sequencer.settled()).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining('countersign log recover'),
    });
    expect(await rows()).toEqual([]);
  });

  it('is not signed from where it has grown in another way since', async () => {
    await putBack();
    const elsewhere = fixture.openLog({ headFile: undefined });
    for (const sub of ['p3', 'p4', 'p5']) {
      await fixture.stage(sub);
      await elsewhere.sequencer.settled();
    }
    const { sequencer } = fixture.openLog();
    await expect(sequencer.settled()).rejects.toMatchObject({ code: 'state_refused' });
  });
});

describe('the head file', () => {
  let file: HeadFile;

  beforeEach(() => {
    file = createHeadFile(fixture.headFilePath);
  });

  const HEAD = { origin: ORIGIN, size: 7, root: 'A'.repeat(43) };

  it('is whole or not there, and leaves nothing else behind', async () => {
    expect(await file.read()).toBeUndefined();
    await file.write(HEAD);
    await file.write({ ...HEAD, size: 8 });
    expect(await file.read()).toEqual({ ...HEAD, size: 8 });
    expect(await readdir(dirname(fixture.headFilePath))).toEqual(['log-head.json']);
    expect(await readFile(fixture.headFilePath, 'utf8')).toMatch(/\n$/);
  });

  it.each(['', '{', '{}', '{"origin":"x","size":-1,"root":"x"}', '[]'])(
    'is refused when it is damaged: %s',
    async (text) => {
      await writeFile(fixture.headFilePath, text);
      await expect(file.read()).rejects.toMatchObject({ code: 'state_refused' });
    },
  );

  it('that cannot be written keeps the checkpoint from being signed, until it can', async () => {
    const { sequencer } = fixture.openLog();
    await fixture.stage('p1');
    const folder = dirname(fixture.headFilePath);
    await rm(folder, { recursive: true });
    await expect(sequencer.settled()).rejects.toMatchObject({ code: 'unavailable' });
    expect((await rows())[0]?.log_signature).toBeNull();
    await mkdir(folder);
    await sequencer.settled();
    expect(await checkLog(fixture)).toMatchObject({ size: 2, published: 2 });
  });

  it('of another log is refused', async () => {
    await file.write({ ...HEAD, origin: 'bridge.globex.example/log' });
    const { checkpoints } = fixture.openLog();
    await expect(checkpoints.publish()).rejects.toMatchObject({ code: 'state_refused' });
  });
});
