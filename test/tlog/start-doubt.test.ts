import { rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHeadTrust } from '../../bridge/tlog/head-trust.ts';
import type { HeadAnswer, HeadWitness } from '../../bridge/tlog/head-witness.ts';
import { assertHeadTrusted, type StartDoubtDeps } from '../../bridge/tlog/start-doubt.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type OpenLog, ORIGIN, quiet, type TlogFixture, tlogFixture } from './tlog-fixture.ts';

let fixture: TlogFixture;
let log: OpenLog;

beforeEach(async () => {
  fixture = await tlogFixture();
  log = fixture.openLog();
  for (const sub of ['p1', 'p2', 'p3']) {
    await fixture.stage(sub);
    await log.sequencer.settled();
  }
});

afterEach(async () => {
  await fixture.remove();
});

/** Three epochs of two entries each. */
const SIZE = 6;

function witness(answer: HeadAnswer | 'unreachable' | 'unproven'): HeadWitness & { shown: unknown[] } {
  const shown: unknown[] = [];
  return {
    name: 'witness.example/w1',
    shown,
    async ask(signed) {
      shown.push(signed);
      if (answer === 'unreachable') throw new CountersignError('outbound_timeout');
      if (answer === 'unproven') throw new CountersignError('witness_unproven');
      return answer;
    },
  };
}

const says = (size: number) => witness({ kind: 'says', size });
const seen = () => says(SIZE);
const silent = () => witness('unreachable');

/** It shows a checkpoint of ours of this size: of this root, or of the store's as it is now. */
async function shows(
  size: number,
  { cosigned = true, signed = true, root }: { cosigned?: boolean; signed?: boolean; root?: Uint8Array } = {},
) {
  const row = await log.database.read((query) => log.checkpoints.at(query, size));
  const checkpoint = { origin: ORIGIN, size, root: root ?? decodeBase64url(row?.root ?? '', 32), note: '' };
  return witness({ kind: 'shows', checkpoint: { ...checkpoint, signed, cosigned } });
}

function start(changes: Partial<StartDoubtDeps> = {}) {
  const { database, checkpoints } = log;
  return assertHeadTrusted({
    ...{
      log: 'keys',
      origin: ORIGIN,
      database,
      logger: quiet,
      headFile: fixture.headFile,
      headFileApart: true,
    },
    ...{ witnesses: [], quorum: 0, noteOf: (row) => checkpoints.noteOf(row), ...changes },
  });
}

/** The store as it was `epochs` ago. */
async function putBack(epochs: number) {
  const size = SIZE - 2 * epochs;
  await fixture.store.database.transaction(async (tx) => {
    const then = await tx
      .selectFrom('log_checkpoints')
      .selectAll()
      .where('size', '=', size)
      .executeTakeFirst();
    await tx.deleteFrom('log_checkpoints').where('size', '>', size).execute();
    await tx
      .updateTable('log_heads')
      .set({ size, hash: then?.root ?? '' })
      .where('log', '=', 'keys')
      .execute();
    const tile = await tx.selectFrom('log_tiles').selectAll().executeTakeFirstOrThrow();
    await tx
      .updateTable('log_tiles')
      .set({ bytes: tile.bytes.slice(0, size * 32) })
      .execute();
  });
}

const withoutFile = { headFile: undefined };
const REFUSED = { code: 'state_refused', detail: expect.stringContaining('countersign log recover') };

describe('a start', () => {
  it('is without doubt where the head file names the newest checkpoint, or the one before', async () => {
    expect(await start()).toBeUndefined();
    expect(await start({ witnesses: [silent()], quorum: 1 })).toBeUndefined();
    const before = await log.database.read((query) => log.checkpoints.at(query, SIZE - 2));
    await fixture.headFile.write({ origin: ORIGIN, size: SIZE - 2, root: before?.root ?? '' });
    expect(await start({ witnesses: [silent()], quorum: 1 })).toBeUndefined();
  });

  it('has nothing to be held against with neither head file nor witnesses', async () => {
    expect(await start(withoutFile)).toBeUndefined();
  });

  it('asks the witnesses of a store that has signed nothing: it may be older than the first checkpoint', async () => {
    const ahead = await shows(SIZE);
    const empty = await tlogFixture();
    const fresh = { database: empty.store.database, headFile: empty.headFile, quorum: 1 };
    await expect(start({ ...fresh, witnesses: [ahead] })).rejects.toMatchObject(REFUSED);
    expect(ahead.shown).toEqual([undefined]);
    expect(await start({ ...fresh, witnesses: [silent()] })).toMatchObject({ reason: expect.any(String) });
    expect(await start({ ...fresh, witnesses: [says(0)] })).toBeUndefined();
    expect(await start(fresh)).toBeUndefined();
    await empty.remove();
  });

  it('needs the witnesses where the head file is on the disk of the database, and one snapshot restores both', async () => {
    const beside = { headFileApart: false, quorum: 1 };
    expect(await start({ ...beside, witnesses: [silent()] })).toMatchObject({
      reason: expect.stringContaining('on the disk of the database'),
    });
    expect(await start({ ...beside, witnesses: [seen()] })).toBeUndefined();
    expect(await start(beside)).toBeUndefined();
  });

  it('shows witnesses the newest signed checkpoint, and signs nothing for that', async () => {
    const one = seen();
    expect(await start({ ...withoutFile, witnesses: [one], quorum: 1 })).toBeUndefined();
    const note = expect.stringMatching(new RegExp(`^${ORIGIN}\n${SIZE}\n`));
    expect(one.shown).toEqual([{ size: SIZE, note }]);
  });

  it('is in doubt without a fresh head file until so many witnesses answer that any quorum has one of them', async () => {
    const three = { ...withoutFile, quorum: 2 };
    expect(await start({ ...three, witnesses: [seen(), silent(), silent()] })).toMatchObject({
      reason: expect.stringContaining('1 of 2 witnesses'),
    });
    expect(await start({ ...three, witnesses: [seen(), seen(), silent()] })).toBeUndefined();
    const old = await log.database.read((query) => log.checkpoints.at(query, SIZE - 4));
    await fixture.headFile.write({ origin: ORIGIN, size: SIZE - 4, root: old?.root ?? '' });
    expect(await start({ witnesses: [silent()], quorum: 1 })).toMatchObject({ reason: expect.any(String) });
  });

  it('is refused with a store behind the head file', async () => {
    await putBack(1);
    await expect(start()).rejects.toMatchObject(REFUSED);
  });

  it('is refused with a store that does not contain the head of the file', async () => {
    await fixture.headFile.write({ origin: ORIGIN, size: SIZE - 2, root: 'A'.repeat(43) });
    await expect(start()).rejects.toMatchObject(REFUSED);
  });

  it('is refused with another log’s head file, and with one that is damaged', async () => {
    await fixture.headFile.write({ origin: 'bridge.globex.example/log', size: 1, root: 'A'.repeat(43) });
    await expect(start()).rejects.toMatchObject(REFUSED);
    await writeFile(fixture.headFilePath, 'x');
    await expect(start()).rejects.toMatchObject(REFUSED);
  });

  it('is refused when a witness has seen more, also where the head file fits', async () => {
    const ahead = await shows(SIZE);
    await putBack(1);
    await rm(fixture.headFilePath);
    const witnesses = [seen(), ahead, silent()];
    await expect(start({ witnesses, quorum: 1 })).rejects.toMatchObject(REFUSED);
    const kept = await log.database.read((query) => log.checkpoints.at(query, SIZE - 2));
    await fixture.headFile.write({ origin: ORIGIN, size: SIZE - 2, root: kept?.root ?? '' });
    await expect(start({ witnesses, quorum: 1 })).rejects.toMatchObject(REFUSED);
  });

  it('is refused when a witness has seen another history', async () => {
    const witnesses = [await shows(SIZE - 2, { root: new Uint8Array(32) })];
    await expect(start({ witnesses, quorum: 1 })).rejects.toMatchObject(REFUSED);
  });

  it('is not stopped by a witness that claims more, or another history, and shows nothing that we signed', async () => {
    const witnesses = [witness('unproven')];
    expect(await start({ witnesses, quorum: 1 })).toBeUndefined();
    expect(await start({ ...withoutFile, witnesses, quorum: 1 })).toMatchObject({
      reason: expect.any(String),
    });
    expect(await start({ ...withoutFile, witnesses: [seen(), ...witnesses], quorum: 2 })).toBeUndefined();
  });

  it('goes on where a witness is behind', async () => {
    for (const one of [says(2), await shows(2)]) {
      expect(await start({ ...withoutFile, witnesses: [one], quorum: 1 })).toBeUndefined();
    }
  });

  it('takes a checkpoint that the witness has not cosigned for no answer of its own', async () => {
    const witnesses = [await shows(SIZE, { cosigned: false })];
    expect(await start({ ...withoutFile, witnesses, quorum: 1 })).toMatchObject({
      reason: expect.any(String),
    });
  });

  it('takes what a witness shows under its own signature alone for its word, which counts for us and not against us', async () => {
    const bare = { signed: false };
    const deps = { ...withoutFile, quorum: 1 };
    expect(await start({ ...deps, witnesses: [await shows(SIZE, bare)] })).toBeUndefined();
    const another = await shows(SIZE, { ...bare, root: new Uint8Array(32) });
    const ahead = await shows(SIZE + 2, { ...bare, root: new Uint8Array(32) });
    for (const one of [another, ahead]) {
      expect(await start({ ...deps, witnesses: [one] })).toMatchObject({ reason: expect.any(String) });
    }
  });

  it('is refused with a store whose parts do not belong together', async () => {
    await fixture.store.database.transaction((tx) =>
      tx
        .updateTable('log_heads')
        .set({ hash: 'A'.repeat(43) })
        .execute(),
    );
    await expect(start()).rejects.toMatchObject(REFUSED);
  });
});

describe('the trust in the store', () => {
  it('is not there before the first look, and ends for good with what a witness shows later', async () => {
    const trust = createHeadTrust({ check: () => start(), logger: quiet });
    expect(trust.reasons()).toHaveLength(1);
    await trust.look();
    expect(trust.reasons()).toEqual([]);
    await trust.assertTrusted();
    trust.distrust('A witness has seen another history.');
    await expect(trust.assertTrusted()).rejects.toMatchObject({ code: 'state_refused' });
    expect(trust.reasons()).toEqual(['A witness has seen another history.']);
  });

  it('comes back by itself once the witnesses answer, and nothing is signed before', async () => {
    let witnesses = [silent()];
    const check = () => start({ ...withoutFile, witnesses, quorum: 1 });
    const trust = createHeadTrust({ check, logger: quiet });
    await trust.look();
    expect(trust.reasons()).toEqual([expect.stringContaining('0 of 1 witnesses')]);
    await expect(trust.assertTrusted()).rejects.toMatchObject({ code: 'unavailable' });
    witnesses = [seen()];
    // not asked again so soon
    await expect(trust.assertTrusted()).rejects.toMatchObject({ code: 'unavailable' });
    await trust.look();
    await trust.assertTrusted();
    expect(trust.reasons()).toEqual([]);
  });
});
