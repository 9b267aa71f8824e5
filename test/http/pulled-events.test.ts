import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { readStream } from '../live/streamed-events.ts';

let bridge: BridgeFixture;
let token: string;
let added: string[];

beforeAll(async () => {
  bridge = await bridgeFixture();
  token = await bridge.administrator();
  added = [];
  for (let index = 0; index < 5; index += 1) await addDomain();
});
afterAll(() => bridge.remove());

async function addDomain(): Promise<void> {
  const domain = `d${added.length}.example`;
  added.push(domain);
  await bridge.ask('POST', '/admin/v1/domains', { domain }, token);
  await bridge.running.services.events.settled();
}

interface Pulled {
  readonly status: number;
  readonly events: readonly StoredEvent[];
  readonly next: string | null;
}

async function pull(url: string): Promise<Pulled> {
  const response = await bridge.fetch(new URL(url, bridge.issuer), {
    headers: { authorization: `Bearer ${token}` },
  });
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('{'));
  const next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? null;
  return { status: response.status, events: response.ok ? lines.map((line) => JSON.parse(line)) : [], next };
}

/** Follows the next links until nothing new comes. */
async function follow(url: string): Promise<{ events: StoredEvent[]; end: string }> {
  const events: StoredEvent[] = [];
  for (;;) {
    const page = await pull(url);
    events.push(...page.events);
    if (page.next === null || (page.events.length === 0 && page.next === url)) return { events, end: url };
    url = page.next;
  }
}

const all = async () => (await follow(`${bridge.issuer}/v1/events?since=0`)).events;
const seqs = (events: readonly StoredEvent[]) => events.map(({ seq }) => seq);

describe('GET /v1/events by its next link', () => {
  it('brings everything in order, without a gap, and is there when nothing is new', async () => {
    const { events, end } = await follow('/v1/events?limit=3');
    expect(seqs(events)).toEqual(events.map((_, index) => index + 1));
    expect(await pull(end)).toMatchObject({ status: 200, events: [], next: end });
    await addDomain();
    const { events: later } = await follow(end);
    expect(later.at(-1)).toMatchObject({ type: 'domain.added', subject: { domain: added.at(-1) } });
    expect(later[0]?.seq).toBe((events.at(-1)?.seq ?? 0) + 1);
  });

  it('stays on the address of the bridge, with what was asked', async () => {
    const { next } = await pull(
      '/v1/events?type=domain.*&outcome=success&min_severity=informational&limit=2',
    );
    const { origin, pathname, searchParams } = new URL(next ?? '');
    expect(`${origin}${pathname}`).toBe(`${bridge.issuer}/v1/events`);
    expect(Object.fromEntries(searchParams)).toEqual({
      ...{ since: expect.stringMatching(/^\d+$/), limit: '2' },
      ...{ type: 'domain.*', outcome: 'success', min_severity: 'informational' },
    });
  });

  it('ends with what was asked up to', async () => {
    const { events } = await follow('/v1/events?since=2&until=5&limit=2');
    expect(seqs(events)).toEqual([3, 4, 5]);
    expect((await pull('/v1/events?since=2&until=5')).next).toBeNull();
    expect((await pull('/v1/events?since=2&until=100000')).next).not.toBeNull();
  });
});

describe('GET /v1/events by time', () => {
  it('begins with the events of that moment', async () => {
    const events = await all();
    const middle = events.find(({ subject }) => subject.domain === added[2]);
    const since = encodeURIComponent(middle?.time ?? '');
    const found = (await follow(`/v1/events?since=${since}`)).events;
    expect(found).toEqual((await all()).filter(({ time }) => time >= (middle?.time ?? '')));
    expect(found.length).toBeGreaterThan(2);
  });

  it('takes times of other zones, and ends before a moment', async () => {
    const until = (await all()).find(({ subject }) => subject.domain === added[3])?.time ?? '';
    const inTokyo = `${new Date(Date.parse(until) + 9 * 3_600_000).toISOString().slice(0, -1)}+09:00`;
    const page = await pull(`/v1/events?since=0&until=${encodeURIComponent(inTokyo)}`);
    expect(page.next).toBeNull();
    expect(page.events).toEqual((await all()).filter(({ time }) => time < until));
  });

  it('goes on from the newest event where the moment has not come', async () => {
    const page = await pull('/v1/events?since=2999-01-01T00:00:00Z');
    expect(page.events).toEqual([]);
    expect(page.next).toContain(`since=${(await all()).at(-1)?.seq}`);
  });
});

describe('GET /v1/events of some types', () => {
  it('answers those alone, of one type, of several, or of all of a kind', async () => {
    const types = async (query: string) => {
      const { events } = await follow(`/v1/events?${query}`);
      return [...new Set(events.map(({ type }) => type))].sort();
    };
    expect(await types('type=domain.added')).toEqual(['domain.added']);
    expect(await types('type=domain.*,bridge.started')).toEqual(['bridge.started', 'domain.added']);
    expect(await types('type=domain.added&type=bridge.started')).toEqual(['bridge.started', 'domain.added']);
    expect(await types('type=domain.added&outcome=failure')).toEqual([]);
  });

  it('is a stream of those too', async () => {
    const response = await bridge.fetch(`${bridge.issuer}/v1/events?type=domain.added`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
    });
    const reading = readStream(response);
    for (const domain of added.slice(0, 3)) {
      const event = JSON.parse((await reading.next())?.data ?? '{}');
      expect(event).toMatchObject({ type: 'domain.added', subject: { domain } });
    }
    await response.body?.cancel().catch(() => undefined);
  });

  it.each([
    'type=nothing.*',
    'type=',
    'type=Domain.added',
    'outcome=perhaps',
    'min_severity=enormous',
    'since=yesterday',
    'since=-1',
    'since=2026-13-01T00:00:00Z',
    'until=x',
    'limit=0',
    'limit=1001',
    'other=1',
  ])('refuses %s', async (query) => {
    expect((await pull(`/v1/events?${query}`)).status).toBe(400);
  });
});

describe('GET /v1/events of a log whose oldest content is not kept any more', () => {
  it('begins with the oldest that is kept, and says so where more is asked for', async () => {
    await bridge.inStore((database) =>
      database.transaction(async (tx) => {
        await tx.deleteFrom('events').where('seq', '<=', 3).execute();
        await tx.insertInto('event_pruning').values({ log: 'events', pruned: 3, time_ms: 0 }).execute();
      }),
    );
    expect((await pull('/v1/events?limit=2')).events.map(({ seq }) => seq)).toEqual([4, 5]);
    expect((await pull('/v1/events?since=2000-01-01T00:00:00Z&limit=1')).events[0]?.seq).toBe(4);
    expect((await pull('/v1/events?since=3&limit=1')).events[0]?.seq).toBe(4);
    expect((await pull('/v1/events?since=1')).status).toBe(410);
  });
});
