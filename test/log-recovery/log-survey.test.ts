import { utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HeadAnswer, HeadWitness } from '../../bridge/tlog/head-witness.ts';
import { type LogSurveyDeps, surveyLog } from '../../bridge/tlog/log-survey.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { movableClock } from '../signer/signer-fixture.ts';
import { type OpenLog, ORIGIN, quiet, type TlogFixture, tlogFixture } from '../tlog/tlog-fixture.ts';

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

function witness(answer: HeadAnswer | 'unreachable' | 'unproven'): HeadWitness {
  return {
    name: 'witness.example/w1',
    async ask() {
      if (answer === 'unreachable') throw new CountersignError('outbound_timeout');
      if (answer === 'unproven') throw new CountersignError('witness_unproven');
      return answer;
    },
  };
}

/** It shows a checkpoint that the log has signed. */
const shows = (size: number, { signed = true } = {}) => {
  const checkpoint = { origin: ORIGIN, size, root: new Uint8Array(32), note: '', signed, cosigned: true };
  return witness({ kind: 'shows', checkpoint });
};

const survey = (changes: Partial<LogSurveyDeps> = {}) =>
  surveyLog({
    ...{ log: 'keys', origin: ORIGIN, database: log.database, logger: quiet },
    ...{ witnesses: [], quorum: 0, storeMade: undefined, clock: movableClock() },
    ...{ headFilePath: fixture.headFilePath, headFileApart: true },
    ...changes,
  });

/** As a file that was written long after the log began. */
const writeHead = async (head: { origin?: string; size: number; root?: string }) => {
  await fixture.headFile.write({ origin: ORIGIN, root: 'A'.repeat(43), ...head });
};

describe('what store, head file and witnesses say of a log', () => {
  it('is good where they agree, and says what each has', async () => {
    const found = await survey({ witnesses: [witness({ kind: 'says', size: SIZE })], quorum: 1 });
    expect(found).toMatchObject({
      cause: 'good',
      detail: undefined,
      store: { size: SIZE, whole: true, newest: { epoch: 3 } },
      headFile: { kept: { size: SIZE }, contained: true },
      witnesses: [{ name: 'witness.example/w1', said: 'same' }],
    });
  });

  it('is good of an empty store whose witnesses have seen nothing, and a restored backup where they have', async () => {
    const empty = await tlogFixture();
    const deps = { database: empty.store.database, headFilePath: empty.headFilePath, quorum: 1 };
    expect(await survey({ ...deps, witnesses: [witness({ kind: 'says', size: 0 })] })).toMatchObject({
      ...{ cause: 'good', store: { size: 0 }, witnesses: [{ said: 'same', size: 0 }] },
    });
    expect(await survey({ ...deps, witnesses: [witness('unreachable')] })).toMatchObject({ cause: 'doubt' });
    expect(await survey({ ...deps, witnesses: [shows(SIZE)] })).toMatchObject({ cause: 'restored_backup' });
    await empty.remove();
  });

  it('is a clock that was ahead, or is behind now, where the newest epoch is of a time to come', async () => {
    const clock = movableClock();
    clock.set(clock.now() - 60_000);
    expect(await survey({ clock })).toMatchObject({ cause: 'clock_ahead' });
    clock.advance(60_000);
    expect(await survey({ clock })).toMatchObject({ cause: 'good' });
  });

  it('is a restored backup where the head file has more', async () => {
    await writeHead({ size: SIZE + 2 });
    const found = await survey();
    expect(found).toMatchObject({ cause: 'restored_backup', headFile: { contained: undefined } });
    expect(found.detail).toContain(`the head file at ${SIZE + 2}`);
  });

  it('is a restored backup where a witness has seen more, whatever the head file says', async () => {
    const witnesses = [shows(SIZE + 4)];
    expect(await survey({ witnesses, quorum: 1 })).toMatchObject({
      cause: 'restored_backup',
      witnesses: [{ said: 'ahead', size: SIZE + 4 }],
    });
    await writeFile(fixture.headFilePath, 'x');
    expect(await survey({ witnesses, quorum: 1 })).toMatchObject({ cause: 'restored_backup' });
  });

  it('is a fork where what was signed is not in the store', async () => {
    await writeHead({ size: SIZE - 2 });
    expect(await survey()).toMatchObject({ cause: 'fork', headFile: { contained: false } });
  });

  it('is a fork where a witness has seen another history', async () => {
    const witnesses = [shows(SIZE - 2)];
    expect(await survey({ witnesses, quorum: 1 })).toMatchObject({
      cause: 'fork',
      witnesses: [{ said: 'contradicted' }],
    });
  });

  it('is in doubt where a witness shows another history that no key of the log has signed', async () => {
    const witnesses = [shows(SIZE - 2, { signed: false })];
    const found = await survey({ witnesses, quorum: 1, headFilePath: undefined });
    expect(found).toMatchObject({ cause: 'doubt', witnesses: [{ said: 'unproven' }] });
  });

  it('is good where a witness claims what it does not show', async () => {
    const found = await survey({ witnesses: [witness('unproven')], quorum: 1 });
    expect(found).toMatchObject({ cause: 'good', witnesses: [{ said: 'unproven' }] });
  });

  it('is another log’s head file by its origin', async () => {
    await writeHead({ origin: 'bridge.globex.example/log', size: 2 });
    expect(await survey()).toMatchObject({ cause: 'foreign_head_file' });
  });

  it('is an earlier store’s head file where it was last written before this store began', async () => {
    await writeHead({ size: SIZE + 2 });
    const { store } = await survey();
    const before = new Date((store.began ?? 0) - 60_000);
    await utimes(fixture.headFilePath, before, before);
    expect(await survey()).toMatchObject({ cause: 'earlier_store' });
  });

  it('takes the time of its keys for the beginning of a store that has logged nothing', async () => {
    const empty = await tlogFixture();
    await writeHead({ size: SIZE });
    const { database } = empty.store;
    expect(await survey({ database })).toMatchObject({ cause: 'restored_backup' });
    const storeMade = Date.now() + 60_000;
    expect(await survey({ database, storeMade })).toMatchObject({ cause: 'earlier_store' });
    await empty.remove();
  });

  it('is a damaged head file, or a damaged store', async () => {
    await writeFile(fixture.headFilePath, '{}');
    expect(await survey()).toMatchObject({ cause: 'damaged_head_file', headFile: { kept: 'damaged' } });
    await fixture.store.database.transaction((tx) => tx.deleteFrom('log_tiles').execute());
    expect(await survey()).toMatchObject({ cause: 'damaged_store', store: { whole: false } });
  });

  it('is a doubt while there is no head file and too few witnesses answer', async () => {
    const found = await survey({ headFilePath: undefined, witnesses: [witness('unreachable')], quorum: 1 });
    expect(found).toMatchObject({
      cause: 'doubt',
      headFile: undefined,
      witnesses: [{ said: 'unreachable', error: 'outbound_timeout' }],
    });
  });
});
