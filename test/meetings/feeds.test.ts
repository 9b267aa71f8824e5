import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createFeeds, type Feed, type Feeds } from '../../bridge/meetings/feeds.ts';
import { createRelayMemory } from '../../bridge/meetings/relay-memory.ts';
import type { Reading } from '../../bridge/meetings/relay-message.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { SOON } from '../fakes/soon.ts';
import { CountingSource, rekeyMessage } from './counting-source.ts';

const logger = createLogger({ level: 'silent' });
const MEMBER: Reading = { iss: 'https://bridge.acme.example', deviceId: 'device-1', admin: false };
let feeds: Feeds | undefined;
afterEach(() => feeds?.stop());

function begin(source: CountingSource, options: { room?: number; head?: number } = {}): Feed {
  feeds ??= createFeeds({ logger, times: { linger: 5, retry: 1 }, ...options });
  const { head = source.messages.length } = options;
  return feeds.of('meeting', head, source);
}

/** Reads on until the message of this number. */
async function readTo(feed: Feed, since: number, last: number): Promise<number[]> {
  const seen: number[] = [];
  for await (const { messages } of feed.follow(since, new AbortController().signal, MEMBER)) {
    seen.push(...messages.map(({ seq }) => seq));
    if ((seen.at(-1) ?? since) >= last) break;
  }
  return seen;
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe('a feed', () => {
  afterEach(() => {
    feeds = undefined;
  });

  it('reads each message once for all who listen', async () => {
    const source = new CountingSource();
    const readers = Array.from({ length: 50 }, () => readTo(begin(source), 0, 20));
    for (let count = 0; count < 20; count += 1) source.post();
    for (const seen of await Promise.all(readers)) expect(seen).toEqual(upTo(20));
    expect(source.asked.length).toBeLessThanOrEqual(21);
  });

  it('asks for nothing more once it is told that the meeting has ended, and tells everybody', async () => {
    const source = new CountingSource();
    const feed = begin(source);
    const readers = [readTo(feed, 0, 2), readTo(feed, 0, 2)];
    source.post();
    source.end();
    for (const seen of await Promise.all(readers)) expect(seen).toEqual([1, 2]);
    const asked = source.asked.length;
    source.post();
    expect(await readTo(feed, 0, 2)).toEqual([1, 2]);
    await expect.poll(() => source.closed, SOON).toBe(true);
    expect(source.asked.length).toBe(asked);
  });

  it('gives who comes back what they missed, without a gap and without a repeat', async () => {
    const source = new CountingSource();
    for (let count = 0; count < 250; count += 1) source.post();
    const seen = await Promise.all([0, 100, 249, 0].map((since) => readTo(begin(source), since, 250)));
    expect(seen).toEqual([upTo(250), upTo(250).slice(100), [250], upTo(250)]);
    expect(source.past.filter((after) => after === 0)).toHaveLength(1);
  });

  it('holds no more in memory than its room, however slow one reader is', async () => {
    const source = new CountingSource();
    const feed = begin(source, { room: 100_000 });
    const slow = feed.follow(0, new AbortController().signal, MEMBER);
    source.post(5_000);
    const seen = [...((await slow.next()).value?.messages ?? [])];
    const fast = readTo(feed, 0, 501);
    for (let count = 0; count < 500; count += 1) {
      source.post(5_000);
      await new Promise(setImmediate);
      expect(feeds?.length).toBeLessThanOrEqual(100_000);
    }
    expect(await fast).toEqual(upTo(501));
    for await (const { messages } of slow) {
      seen.push(...messages);
      if (seen.length >= 501) break;
    }
    expect(seen.map(({ seq }) => seq)).toEqual(upTo(501));
  });

  it('asks again after a fault that passes, and ends for one that does not', async () => {
    const source = new CountingSource();
    source.failures = [new CountersignError('partner_unreachable'), new CountersignError('storage_busy')];
    const seen = readTo(begin(source), 0, 1);
    source.post();
    expect(await seen).toEqual([1]);
    const other = new CountingSource();
    const feed = createFeeds({ logger, times: { retry: 1 } }).of('other', 0, other);
    other.failures = [new CountersignError('group_unknown')];
    expect(await readTo(feed, 0, 1)).toEqual([]);
    expect(other.closed).toBe(true);
  });

  it('stops asking when nobody listens any more, and lets go of what it held', async () => {
    const source = new CountingSource();
    const feed = begin(source);
    source.post();
    await readTo(feed, 0, 1);
    await expect.poll(() => source.closed, SOON).toBe(true);
    expect(feeds?.length).toBe(0);
    const asked = source.asked.length;
    source.post();
    await new Promise(setImmediate);
    expect(source.asked.length).toBe(asked);
    expect(await readTo(begin(source), 1, 2)).toEqual([2]);
  });

  it('ends for everybody when it is stopped', async () => {
    const source = new CountingSource();
    const seen = readTo(begin(source), 0, 1);
    await new Promise(setImmediate);
    await feeds?.stop();
    expect(await seen).toEqual([]);
  });
});

describe('the memory of messages', () => {
  it('is shared by all meetings: the oldest goes first, of whichever', () => {
    const memory = createRelayMemory(3_000);
    const [one, other] = [memory.begin(0), memory.begin(0)];
    one.add({ messages: [rekeyMessage(1, 1_000)], through: 1 });
    other.add({ messages: [rekeyMessage(1, 1_000)], through: 1 });
    expect(one.read(0, 10_000)?.messages).toHaveLength(1);
    other.add({ messages: [rekeyMessage(2, 1_000)], through: 2 });
    expect(one.read(0, 10_000)).toBeUndefined();
    expect(one.read(1, 10_000)).toEqual({ messages: [], through: 1 });
    expect(other.read(0, 10_000)?.messages.map(({ seq }) => seq)).toEqual([1, 2]);
    other.clear();
    expect(memory.length).toBe(0);
  });

  it('answers in pages, and knows how far it goes beyond the last message', () => {
    const memory = createRelayMemory(100_000).begin(4);
    memory.add({ messages: [rekeyMessage(6, 600), rekeyMessage(7, 600)], through: 9 });
    expect(memory.read(4, 1_000)).toMatchObject({ messages: [{ seq: 6 }], through: 6 });
    expect(memory.read(6, 1_000)).toMatchObject({ messages: [{ seq: 7 }], through: 9 });
    expect(memory.read(9, 1_000)).toEqual({ messages: [], through: 9 });
    expect(memory.read(3, 1_000)).toBeUndefined();
    expect(memory.read(12, 1_000)).toEqual({ messages: [], through: 12 });
  });
});
