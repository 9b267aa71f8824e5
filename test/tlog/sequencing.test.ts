import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CountersignError } from '../../protocol/errors.ts';
import { SOON } from '../fakes/soon.ts';
import { checkLog, closeEpoch, type LogChanges, type TlogFixture, tlogFixture } from './tlog-fixture.ts';

let fixture: TlogFixture;

beforeEach(async () => {
  fixture = await tlogFixture();
});

afterEach(async () => {
  await fixture.remove();
});

/** A log that notes when its epochs were closed, with how many rows. */
function paced(minInterval: number, changes: LogChanges['log'] = {}) {
  const epochs: { at: number; rows: number }[] = [];
  const opened = fixture.openLog({
    log: {
      minInterval,
      place(tx, bodies, head) {
        epochs.push({ at: performance.now(), rows: bodies.length });
        return closeEpoch(tx, bodies, head, fixture.clock.now());
      },
      ...changes,
    },
  });
  return { ...opened, epochs };
}

describe('the interval between epochs', () => {
  it('does not hold up what comes after idleness, and gathers what comes soon after', async () => {
    let waiting = 0;
    const { sequencer, epochs } = paced(60_000, {
      async prepare(rows) {
        waiting = rows.length;
        return rows;
      },
    });
    await fixture.stage('p1');
    sequencer.start();
    await vi.waitFor(() => expect(epochs).toHaveLength(1), SOON);
    for (const [before, sub] of ['p2', 'p3', 'p4'].entries()) {
      await fixture.stage(sub);
      sequencer.wake();
      await vi.waitFor(() => expect(waiting).toBe(before + 1), SOON);
    }
    await sequencer.stop();
    expect(epochs.map(({ rows }) => rows)).toEqual([1, 3]);
  });

  it('lasts as long as it is said to, and no longer', async () => {
    const { sequencer, epochs } = paced(1_000);
    const begun = performance.now();
    await fixture.stage('p1');
    sequencer.start();
    await vi.waitFor(() => expect(epochs).toHaveLength(1), SOON);
    await fixture.stage('p2', 'p3');
    sequencer.wake();
    await vi.waitFor(() => expect(epochs.map(({ rows }) => rows)).toEqual([1, 2]), SOON);
    expect((epochs[1]?.at ?? 0) - begun).toBeGreaterThanOrEqual(1_000);
  });

  it('is not kept where a batch is full, nor at a stop', async () => {
    const { sequencer, epochs } = paced(60_000, { batch: 2 });
    await fixture.stage('p1', 'p2', 'p3', 'p4', 'p5');
    sequencer.start();
    await vi.waitFor(() => expect(epochs.map(({ rows }) => rows)).toEqual([2, 2]), SOON);
    await sequencer.stop();
    expect(epochs.map(({ rows }) => rows)).toEqual([2, 2, 1]);
  });

  it('is not kept where enough wait for it', async () => {
    const { sequencer, epochs } = paced(60_000, { batch: 10, enough: 3 });
    await fixture.stage('p1');
    sequencer.start();
    await vi.waitFor(() => expect(epochs).toHaveLength(1), SOON);
    await fixture.stage('p2', 'p3');
    sequencer.wake();
    await fixture.stage('p4', 'p5');
    sequencer.wake();
    await vi.waitFor(() => expect(epochs.map(({ rows }) => rows)).toEqual([1, 4]), SOON);
  });
});

describe('preparation', () => {
  it('comes before the transaction, and while the interval runs', async () => {
    const prepared = new Set<string>();
    const { sequencer, epochs } = paced(60_000, {
      async prepare(bodies) {
        for (const body of bodies) prepared.add(body.event_id);
        return bodies;
      },
      place(tx, bodies, head) {
        if (!bodies.every((body) => prepared.has(body.event_id))) throw new Error('not prepared');
        epochs.push({ at: performance.now(), rows: bodies.length });
        return closeEpoch(tx, bodies, head, fixture.clock.now());
      },
    });
    await fixture.stage('p1');
    sequencer.start();
    await vi.waitFor(() => expect(epochs).toHaveLength(1), SOON);
    await fixture.stage('p2');
    sequencer.wake();
    await vi.waitFor(() => expect(prepared.size).toBe(2), SOON);
    expect(epochs).toHaveLength(1);
  });

  it('is done again with what is left when another process was faster', async () => {
    const other = fixture.openLog({ database: await fixture.store.openAnother(), headFile: undefined });
    let rounds = 0;
    const { sequencer } = fixture.openLog({
      log: {
        async prepare(bodies) {
          if (rounds++ > 0) return bodies;
          await other.sequencer.settled();
          await fixture.stage('p3');
          return bodies;
        },
      },
    });
    await fixture.stage('p1', 'p2');
    await sequencer.settled();
    expect(rounds).toBe(2);
    const { entries, published, size } = await checkLog(fixture);
    expect(entries).toHaveLength(5);
    expect(published).toBe(size);
  });
});

describe('two sequencers on one store', () => {
  it('make one log', async () => {
    const other = fixture.openLog({ database: await fixture.store.openAnother(), headFile: undefined });
    const { sequencer } = fixture.openLog();
    sequencer.start();
    other.sequencer.start();
    for (let round = 0; round < 10; round++) {
      await fixture.stage(`p${round}`, `q${round}`);
      await Promise.all([sequencer.settled(), other.sequencer.settled()]);
    }
    await Promise.all([sequencer.stop(), other.sequencer.stop()]);
    const { entries, published, size } = await checkLog(fixture);
    expect(entries.filter((entry) => !entry.startsWith('epoch '))).toHaveLength(20);
    expect(published).toBe(size);
  });
});

describe('what was committed and not made public', () => {
  it('is made public by the next look, which tells the listeners to look', async () => {
    let down = true;
    const { sequencer, checkpoints } = fixture.openLog({
      log: {
        async publish() {
          if (down && (await checkLog(fixture)).size > 0) throw new CountersignError('unavailable');
          return checkpoints.publish();
        },
      },
    });
    const told: number[] = [];
    sequencer.onPublished((rows) => told.push(rows.length));
    await fixture.stage('p1');
    sequencer.start();
    await vi.waitFor(() => expect(sequencer.failure).toMatchObject({ code: 'unavailable' }), SOON);
    expect(told).toEqual([]);
    down = false;
    sequencer.wake();
    await vi.waitFor(() => expect(told).toEqual([0]), SOON);
    await vi.waitFor(() => expect(sequencer.failure).toBeUndefined(), SOON);
    expect(await checkLog(fixture)).toMatchObject({ size: 2, published: 2 });
  });
});
