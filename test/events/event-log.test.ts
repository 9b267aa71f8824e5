import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import type { EventInput } from '../../bridge/events/event-log.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { SOON } from '../fakes/soon.ts';
import { ISS } from '../signer/signer-fixture.ts';
import {
  all,
  appendEach,
  closed,
  type EventsFixture,
  eventsFixture,
  quiet,
  refusedRequest,
} from './events-fixture.ts';

const HOUR = 3_600_000;

let fixture: EventsFixture;

beforeEach(async () => {
  fixture = await eventsFixture();
});

afterEach(async () => {
  await fixture.remove();
});

describe('an event of a change', () => {
  it('is there with the change, and gets its place at once', async () => {
    const { database, clock } = fixture;
    // It comes at all: the log would not look by itself for an hour.
    const log = createEventLog({ database, clock, logger: quiet, iss: ISS, intervalMs: HOUR });
    log.start();
    await log.settled();
    await database.transaction((tx) => log.append(tx, closed('p1')));
    await vi.waitFor(async () => expect(await all(log)).toHaveLength(1), SOON);
    await log.stop();
    expect((await all(log))[0]).toMatchObject({
      ...{ v: 1, seq: 1, time: '2026-11-22T09:00:00.000Z', type: 'person.closed', outcome: 'success' },
      ...{
        actor: { kind: 'administrator', id: 'admin-1' },
        subject: { sub: 'p1' },
        data: { reason: 'left' },
      },
      ...{ code: null, request_id: null, trace_id: null },
    });
  });

  it('is not there when the change fails', async () => {
    const { database, log } = fixture;
    const change = database.transaction(async (tx) => {
      await log.append(tx, closed('p1'));
      throw new Error('the change fails');
    });
    await expect(change).rejects.toThrow('the change fails');
    await log.settled();
    expect(await all(log)).toEqual([]);
  });

  it('is not shown before it has its place', async () => {
    const { database, log } = fixture;
    await database.transaction((tx) => log.append(tx, closed('p1')));
    expect(await all(log)).toEqual([]);
    await log.settled();
    expect(await all(log)).toHaveLength(1);
  });

  it('keeps the order in which one transaction reported', async () => {
    const { database, log } = fixture;
    const subs = Array.from({ length: 50 }, (_, index) => `p${index}`);
    await database.transaction(async (tx) => {
      for (const sub of subs) await log.append(tx, closed(sub));
    });
    await log.settled();
    expect((await all(log)).map((event) => event.subject.sub)).toEqual(subs);
  });

  it('that another process reported is found without a wake', async () => {
    const { log } = fixture;
    const other = await fixture.openAnother();
    log.start();
    await other.database.transaction((tx) => other.log.append(tx, closed('p1')));
    await vi.waitFor(async () => expect(await all(log)).toHaveLength(1), SOON);
  });
});

describe('an event of a read', () => {
  it('is on disk when the report resolves, before it has a place', async () => {
    await fixture.log.record(refusedRequest('/v1/lookups'));
    const other = await fixture.openAnother();
    await other.log.settled();
    expect(await all(other.log)).toMatchObject([
      { type: 'request.refused', code: 'malformed_request', request_id: 'r-1', outcome: 'failure' },
    ]);
  });

  it('shares its transaction with others of the same moment', async () => {
    let transactions = 0;
    const counted: Database = Object.assign(Object.create(fixture.database), {
      transaction: (work: Parameters<Database['transaction']>[0]) => {
        transactions += 1;
        return fixture.database.transaction(work);
      },
      read: (work: Parameters<Database['read']>[0]) => fixture.database.read(work),
    });
    const log = createEventLog({ database: counted, clock: fixture.clock, logger: quiet, iss: ISS });
    await Promise.all(Array.from({ length: 200 }, (_, index) => log.record(refusedRequest(`/${index}`))));
    expect(transactions).toBe(1);
    await log.settled();
    expect(await all(log)).toHaveLength(200);
  });

  it('is refused inside a transaction, which would wait for itself', async () => {
    const { database, log } = fixture;
    const nested = database.transaction(() => log.record(refusedRequest('/')));
    await expect(nested).rejects.toMatchObject({ code: 'storage_nested' });
  });

  it('that cannot be stored is told to everyone of its group', async () => {
    const other = await fixture.openAnother();
    await other.database.close();
    const reports = [other.log.record(refusedRequest('/a')), other.log.record(refusedRequest('/b'))];
    for (const report of reports) await expect(report).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('what an event may hold', () => {
  it('is cut and made well-formed where others wrote it, and then hashed as it is stored', async () => {
    const { database, log } = fixture;
    const label = `\u0000\ud800${'x'.repeat(10_000)}`;
    const input: EventInput = {
      type: 'device.requested',
      actor: { kind: 'person', sub: 'p1', device: undefined },
      outcome: 'success',
      code: undefined,
      data: { label },
    };
    await database.transaction((tx) => log.append(tx, input));
    await log.settled();
    const [event] = await all(log);
    expect(event?.actor).toEqual({ kind: 'person', sub: 'p1' });
    expect(event?.data).toEqual({ label: `\u0000\ufffd${'x'.repeat(498)}` });
  });

  it.each([
    ['an unknown type', { type: 'person.promoted', data: {} }],
    ['a type of the prototype', { type: 'constructor', data: {} }],
    ['a member that the type does not have', { data: { reason: 'left', token: 'secret' } }],
    ['an unknown error code', { code: 'no_such_code' }],
    ['an unknown kind of actor', { actor: { kind: 'ghost' } }],
    ['a member beside the known ones', { token: 'secret' }],
  ])('is not %s', async (_name, change) => {
    const input = { ...closed('p1'), ...change } as EventInput;
    const appended = fixture.database.transaction((tx) => fixture.log.append(tx, input));
    await expect(appended).rejects.toMatchObject({ code: 'internal' });
    await expect(fixture.log.record(input)).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('a page of events', () => {
  it('begins behind `since` and is no longer than `limit`', async () => {
    const { database, log } = fixture;
    await appendEach(database, log, ['p1', 'p2', 'p3', 'p4', 'p5']);
    await log.settled();
    expect((await log.page({ since: 1, limit: 3 })).map((event) => event.seq)).toEqual([2, 3, 4]);
    expect(await log.page({ since: 5, limit: 3 })).toEqual([]);
  });

  it.each([
    { since: -1, limit: 1 },
    { since: 0.5, limit: 1 },
    { since: Number.NaN, limit: 1 },
    { since: 2 ** 60, limit: 1 },
    { since: 0, limit: 0 },
  ])('is refused for %j', async (query) => {
    await expect(fixture.log.page(query)).rejects.toMatchObject({ code: 'malformed_request' });
  });
});
