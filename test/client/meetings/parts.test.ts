import { afterEach, describe, expect, it, vi } from 'vitest';
import { drawChecks } from '../../../client/meetings/drawn-checks.ts';
import { createFeed } from '../../../client/meetings/feed.ts';
import { createGathering } from '../../../client/meetings/gathering.ts';
import type { PresentPerson } from '../../../client/meetings/judge-presences.ts';
import { describePresent } from '../../../client/meetings/participants.ts';
import { resume } from '../../../client/meetings/resume.ts';
import { listMembers } from '../../../client/meetings/roster.ts';
import type { Session } from '../../../client/meetings/session.ts';
import { CountersignError, type ErrorCode } from '../../../protocol/errors.ts';
import { MEMBERS_PAGE } from '../../../protocol/meetings/limits.ts';
import { codeOf } from '../../protocol/codes.ts';

afterEach(() => vi.useRealTimers());

describe('a participant', () => {
  const present = (assurance: string) =>
    ({
      person: { statement: { address: 'line-1@acme.example', assurance } },
      presence: { iss: 'https://bridge.acme.example', sub: 's', device_id: 'd', media_key: 'm' },
    }) as unknown as PresentPerson;

  it('is shown as end-to-end, but for a gateway, behind which others listen', () => {
    expect(describePresent(present('member'))).toMatchObject({ assurance: 'member', endToEnd: true });
    expect(describePresent(present('room'))).toMatchObject({ assurance: 'room', endToEnd: true });
    expect(describePresent(present('gateway'))).toMatchObject({ assurance: 'gateway', endToEnd: false });
  });
});

describe('the checks of a meeting’s participants', () => {
  const devices = (count: number) => Array.from({ length: count }, (_, index) => index);

  it('are of everybody, up to a hundred', () => {
    expect(drawChecks(devices(100), 100)).toEqual({ drawn: devices(100), left: [] });
  });

  it('are of some hundred of many, other ones in each client', () => {
    const [one, other] = [drawChecks(devices(10_000), 10_000), drawChecks(devices(10_000), 10_000)];
    for (const { drawn, left } of [one, other]) {
      expect(drawn.length).toBeGreaterThan(30);
      expect(drawn.length).toBeLessThan(200);
      expect([...drawn, ...left].sort((a, b) => a - b)).toEqual(devices(10_000));
    }
    expect(one.drawn).not.toEqual(other.drawn);
  });

  it('are shared among the clients: each of two hundred newcomers is checked by somebody', () => {
    const checked = new Set<number>();
    for (let client = 0; client < 2_000; client += 1) {
      for (const device of drawChecks(devices(200), 2_000).drawn) checked.add(device);
    }
    expect(checked.size).toBe(200);
  });
});

describe('the list of members', () => {
  /** Of a meeting whose tree has eight leaves; its bridge answers `pages`, then the last one again. */
  function listed(pages: readonly (readonly number[])[]): {
    asked: () => number;
    list: () => Promise<number[]>;
  } {
    let asked = 0;
    const relay = {
      members: async () => {
        const leaves = pages[Math.min(asked, pages.length - 1)] ?? [];
        asked += 1;
        if (asked > 100) throw new CountersignError('internal', 'it is asked without end');
        return { rekey: 'newest', members: leaves.map((leaf) => ({ leaf })) };
      },
    };
    const head = { hash: 'newest', claims: { levels: 3 } };
    const context = { polling: { firstMs: 1, longestMs: 1 } };
    const session = { parts: { relay, context }, head, closing: new AbortController().signal };
    const found: number[] = [];
    return {
      asked: () => asked,
      list: async () => {
        await listMembers(session as unknown as Session, async (members) => {
          found.push(...members.map(({ leaf }) => leaf));
        });
        return found;
      },
    };
  }
  const page = (...leaves: number[]) => [...leaves, ...Array<number>(MEMBERS_PAGE - leaves.length).fill(0)];

  it('is taken in the order of the tree', async () => {
    expect(await listed([[0, 2, 7]]).list()).toEqual([0, 2, 7]);
  });

  it.each([
    ['goes back within a page, and so has no end', [page(0, 7, 0)]],
    ['names a leaf twice', [[0, 2, 2]]],
    ['names more than the tree has leaves', [Array.from({ length: MEMBERS_PAGE }, (_, leaf) => leaf)]],
    ['names a leaf that the tree does not have', [[0, 8]]],
  ])('of a bridge is refused when it %s', async (_, pages) => {
    const { list, asked } = listed(pages);
    expect(await codeOf(list)).toBe('bridge_invalid');
    expect(asked()).toBe(1);
  });
});

describe('what happens', () => {
  it('is told to everybody who listens, in order, from when they began', async () => {
    const feed = createFeed<number>();
    feed.push(0);
    const listeners = [feed.listen(), feed.listen()];
    for (const item of [1, 2, 3]) feed.push(item);
    feed.end();
    for (const listener of listeners) {
      const heard: number[] = [];
      for await (const item of listener) heard.push(item);
      expect(heard).toEqual([1, 2, 3]);
    }
  });

  it('ends with the reason, after what came before it', async () => {
    const feed = createFeed<number>();
    const listener = feed.listen();
    feed.push(1);
    feed.end(new CountersignError('group_ended'));
    expect((await listener.next()).value).toBe(1);
    expect(await codeOf(() => listener.next())).toBe('group_ended');
  });

  it('fills no memory: who does not read is told so', async () => {
    const feed = createFeed<number>();
    const listener = feed.listen();
    for (let item = 0; item < 5000; item += 1) feed.push(item);
    let read = 0;
    const reading = async () => {
      for await (const _item of listener) read += 1;
    };
    expect(feed.listening).toBe(0);
    expect(await codeOf(reading)).toBe('overloaded');
    expect(read).toBe(0);
  });

  it('is not told any more to whom the signal lets go', async () => {
    const feed = createFeed<number>();
    const leaving = new AbortController();
    const waiting = feed.listen({ signal: leaving.signal }).next();
    leaving.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(feed.listening).toBe(0);
  });

  it('is kept for nobody who went away after the first item, or before it', async () => {
    const feed = createFeed<number>();
    const leaving = new AbortController();
    for await (const item of feed.listen({ first: [1] })) {
      expect(item).toBe(1);
      expect(feed.listening).toBe(1);
      break;
    }
    await feed.listen({ first: [1] }).return();
    feed.listen({ signal: leaving.signal, first: [1] });
    expect(feed.listening).toBe(1);
    leaving.abort();
    expect(feed.listening).toBe(0);
  });
});

describe('a gathering', () => {
  it('lets what may wait come together, and runs at once for what may not', async () => {
    vi.useFakeTimers();
    let runs = 0;
    const gathering = createGathering(
      300,
      async () => {
        runs += 1;
      },
      () => undefined,
    );
    gathering.soon();
    gathering.soon();
    await vi.advanceTimersByTimeAsync(299);
    expect(runs).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(1);
    gathering.soon();
    await gathering.now();
    await vi.advanceTimersByTimeAsync(1000);
    expect(runs).toBe(2);
  });

  it('leaves no timer behind', async () => {
    vi.useFakeTimers();
    const gathering = createGathering(
      300,
      async () => expect.fail('it ran'),
      () => undefined,
    );
    gathering.soon();
    await gathering.close();
    expect(vi.getTimerCount()).toBe(0);
    gathering.soon();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a sequence out of streams that break off', () => {
  it('leaves out what was told already, and ends with what does not pass', async () => {
    const streams = [
      [1, 2, 'bridge_unreachable'],
      [2, 3, 'group_ended'],
    ] as const;
    const asked: number[] = [];
    const breaks: ErrorCode[] = [];
    async function* open(since: number) {
      const stream = streams[asked.length] ?? [];
      asked.push(since);
      for (const item of stream) {
        if (typeof item === 'string') throw new CountersignError(item);
        yield { seq: item };
      }
    }
    const heard: number[] = [];
    const code = await codeOf(async () => {
      const options = {
        since: 0,
        signal: new AbortController().signal,
        pauses: { firstMs: 1, longestMs: 1 },
      };
      const sequence = resume(open, { ...options, onBreak: (error) => breaks.push(error.code) });
      for await (const { seq } of sequence) heard.push(seq);
    });
    expect({ code, heard, asked, breaks }).toEqual({
      ...{ code: 'group_ended', heard: [1, 2, 3] },
      ...{ asked: [0, 2], breaks: ['bridge_unreachable'] },
    });
  });
});
