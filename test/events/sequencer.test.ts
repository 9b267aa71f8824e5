import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventBody, eventGenesis } from '../../bridge/events/event.ts';
import { placeEvents, readEvents, stagedEvents, stageEvents } from '../../bridge/events/event-store.ts';
import { newId } from '../../bridge/lib/ids.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import type { LogHead } from '../../bridge/tlog/log-heads.ts';
import { createSequencer } from '../../bridge/tlog/sequencer.ts';
import { SOON } from '../fakes/soon.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { all, appendEach, closed, type EventsFixture, eventsFixture, quiet } from './events-fixture.ts';
import { verifyChain } from './verified-chain.ts';

const STAGING_PROCESS = fileURLToPath(new URL('staging-process.ts', import.meta.url));

const HOUR = 3_600_000;

let fixture: EventsFixture;

beforeEach(async () => {
  fixture = await eventsFixture();
});

afterEach(async () => {
  await fixture.remove();
});

const events = {
  log: 'events' as const,
  genesis: eventGenesis(ISS),
  staged: stagedEvents,
  place: placeEvents,
};

function stage(tx: Transaction, sub: string) {
  return stageEvents(tx, [eventBody(closed(sub), newId(), fixture.clock.now())]);
}

function published(database: Database) {
  return database.read((query) => readEvents(query, 0, 1_000));
}

describe('the sequencer', () => {
  it('loses nothing when the process is killed between the two transactions, or within the second', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', STAGING_PROCESS, fixture.store.reach, ISS], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(createInterface({ input: child.stdout }), 'line');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await all(fixture.log)).toEqual([]);
    await fixture.log.settled();
    expect((await all(fixture.log)).map((event) => [event.seq, event.subject.sub])).toEqual([
      [1, 'p1'],
      [2, 'p2'],
      [3, 'p3'],
    ]);
    await verifyChain(fixture.database, ISS);
  });

  it('gives gapless, unique places when two run on one store', async () => {
    const other = await fixture.openAnother();
    fixture.log.start();
    other.log.start();
    const subs = Array.from({ length: 60 }, (_, index) => `p${index}`);
    await Promise.all([
      ...subs.slice(0, 30).map((sub) => appendEach(fixture.database, fixture.log, [sub])),
      ...subs.slice(30).map((sub) => appendEach(other.database, other.log, [sub])),
    ]);
    await Promise.all([fixture.log.settled(), other.log.settled()]);
    const stored = await all(fixture.log);
    expect(stored.map((event) => event.seq)).toEqual(subs.map((_, index) => index + 1));
    expect(new Set(stored.map((event) => event.subject.sub))).toEqual(new Set(subs));
    await verifyChain(fixture.database, ISS);
  });

  it('is rolled back when another moved the head meanwhile, and tries again', async () => {
    const heads: LogHead[] = [];
    const sequencer = createSequencer(
      { database: fixture.database, logger: quiet },
      {
        ...events,
        async place(tx: Transaction, bodies, head) {
          heads.push(head);
          // what a concurrent commit looks like to the compare-and-swap
          if (heads.length === 1) await tx.updateTable('log_heads').set({ hash: 'moved' }).execute();
          return placeEvents(tx, bodies, head);
        },
      },
    );
    await fixture.database.transaction((tx) => stage(tx, 'p1'));
    await sequencer.settled();
    expect(heads).toHaveLength(2);
    expect(await published(fixture.database)).toHaveLength(1);
    await verifyChain(fixture.database, ISS);
  });

  it('does not give a place twice', async () => {
    await fixture.database.transaction((tx) => stage(tx, 'p1'));
    const [body] = await fixture.database.read((query) => stagedEvents(query, 1));
    await fixture.log.settled();
    const again = fixture.database.transaction((tx) =>
      placeEvents(tx, body === undefined ? [] : [body], { size: 1, hash: 'x' }),
    );
    await expect(again).rejects.toMatchObject({ code: 'conflict' });
  });

  it('places what is staged when it is woken, long before it would look by itself', async () => {
    const { database } = fixture;
    const sequencer = createSequencer({ database, logger: quiet, intervalMs: HOUR }, events);
    sequencer.start();
    await sequencer.settled();
    await database.transaction((tx) => stage(tx, 'p1'));
    sequencer.wake();
    await vi.waitFor(async () => expect(await published(database)).toHaveLength(1), SOON);
    await sequencer.stop();
  });

  it('places what is left when it stops', async () => {
    fixture.log.start();
    await fixture.database.transaction((tx) => fixture.log.append(tx, closed('p1')));
    await fixture.log.stop();
    expect(await all(fixture.log)).toHaveLength(1);
  });

  it('goes on after an error', async () => {
    let failures = 2;
    const sequencer = createSequencer(
      { database: fixture.database, logger: quiet },
      {
        ...events,
        async place(tx: Transaction, bodies, head) {
          if (failures-- > 0) throw new Error('the disk is full');
          return placeEvents(tx, bodies, head);
        },
      },
    );
    await fixture.database.transaction((tx) => stage(tx, 'p1'));
    await expect(sequencer.settled()).rejects.toThrow('the disk is full');
    await expect(sequencer.settled()).rejects.toThrow('the disk is full');
    await sequencer.settled();
    expect(await published(fixture.database)).toMatchObject([{ seq: 1 }]);
  });

  it('tells its listeners what it placed, and those of other replicas that there is something', async () => {
    const cache = new MemoryCache({ clock: fixture.clock });
    const [here, there] = [fixture.database, await fixture.store.openAnother()].map((database) =>
      createSequencer({ database, logger: quiet, cache }, events),
    );
    const told: [string, number, number | undefined][] = [];
    here?.onPublished(() => {
      throw new Error('a listener that fails');
    });
    here?.onPublished((rows, size) => told.push(['here', rows.length, size]));
    there?.onPublished((rows, size) => told.push(['there', rows.length, size]));
    there?.start();
    await fixture.database.transaction((tx) => stage(tx, 'p1'));
    await here?.settled();
    await vi.waitFor(() => expect(told.map(([where]) => where)).toContain('there'), SOON);
    await there?.stop();
    await cache.close();
    expect(told.filter(([, rows]) => rows > 0)).toMatchObject([[expect.any(String), 1, 1]]);
    expect(told.filter(([, rows]) => rows === 0).every(([, , size]) => size === undefined)).toBe(true);
  });
});
