import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createFeeds, type Feed, type Feeds, type FeedsDeps } from '../../bridge/meetings/feeds.ts';
import { concerns, type Reading, type RelayMessage } from '../../bridge/meetings/relay-message.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { SOON } from '../fakes/soon.ts';
import { choicesFrom, type RandomChoices } from '../model/random-choices.ts';
import { CountingSource } from './counting-source.ts';

const ACME = 'https://bridge.acme.example';
const GLOBEX = 'https://bridge.globex.example';
const ADMIN: Reading = { iss: ACME, deviceId: 'host', admin: true };
const BOB: Reading = { iss: ACME, deviceId: 'bob', admin: false };
const CARL: Reading = { iss: ACME, deviceId: 'carl', admin: false };
const PARTNER: Reading = { iss: GLOBEX, deviceId: null, admin: false };

const logger = createLogger({ level: 'silent' });
const running: Feeds[] = [];
afterEach(async () => {
  for (const feeds of running.splice(0)) await feeds.stop();
});

function begin(source: CountingSource, deps: Partial<FeedsDeps> = {}): () => Feed {
  const feeds = createFeeds({ logger, times: { linger: 5, retry: 1 }, ...deps });
  running.push(feeds);
  return () => feeds.of('meeting', source.messages.length, source);
}

/** A stream of one reader: the pages that it got. */
function listen(feed: Feed, since: number, reading: Reading) {
  const leaving = new AbortController();
  const pages: { seqs: number[]; through: number }[] = [];
  const waiting = new Set<() => void>();
  const ended = (async () => {
    for await (const { messages, through } of feed.follow(since, leaving.signal, reading)) {
      pages.push({ seqs: messages.map(({ seq }) => seq), through });
      for (const look of waiting) look();
    }
  })();
  return {
    pages,
    /** Resolves when it has come to this place. */
    to: (place: number) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if ((pages.at(-1)?.through ?? since) >= place) resolve();
        };
        waiting.add(look);
        look();
      }),
    async leave() {
      leaving.abort();
      await ended;
    },
  };
}

const presence = (deviceId: string) => ({ kind: 'presence', iss: GLOBEX, deviceId }) as const;

describe('a reader who waits', () => {
  it('is not woken by who comes, of which the admins alone are told', async () => {
    const source = new CountingSource();
    const feed = begin(source)();
    const members = [BOB, CARL, PARTNER].map((reading) => listen(feed, 0, reading));
    const host = listen(feed, 0, ADMIN);
    for (let joined = 1; joined <= 50; joined += 1) {
      source.tell(presence(`device-${joined}`));
      await host.to(joined);
    }
    source.post();
    for (const { to, pages } of members) {
      await to(51);
      expect(pages).toEqual([{ seqs: [51], through: 51 }]);
    }
    expect(host.pages.slice(0, 50).map(({ seqs }) => seqs)).toEqual(
      source.messages.slice(0, 50).map(({ seq }) => [seq]),
    );
  });

  it('is woken by the placement of its own device, or its people’s, and no other', async () => {
    const source = new CountingSource();
    const feed = begin(source)();
    const readers = [BOB, CARL, PARTNER].map((reading) => listen(feed, 0, reading));
    const [bob, carl, partner] = readers;
    for (const { iss, deviceId } of [BOB, CARL, { iss: GLOBEX, deviceId: 'gwen' }]) {
      source.tell({ kind: 'placement', iss, deviceId });
      const seq = source.messages.length;
      await [bob, carl, partner][seq - 1]?.to(seq);
    }
    source.post();
    for (const [index, { to, pages }] of readers.entries()) {
      await to(4);
      expect(pages.flatMap(({ seqs }) => seqs)).toEqual([index + 1, 4]);
    }
  });

  it('is woken when its own device had to leave', async () => {
    const source = new CountingSource();
    const bob = listen(begin(source)(), 0, BOB);
    source.tell({ kind: 'left', iss: ACME, deviceId: 'bob' });
    await bob.to(1);
    expect(bob.pages).toEqual([{ seqs: [1], through: 1 }]);
  });

  it('reads nothing from the store that was not for it, though the memory has long forgotten it', async () => {
    const source = new CountingSource();
    const feed = begin(source, { room: 1_000 })();
    const bob = listen(feed, 0, BOB);
    const host = listen(feed, 0, ADMIN);
    for (let joined = 1; joined <= 200; joined += 1) {
      source.tell(presence(`device-${joined}`));
      await host.to(joined);
    }
    source.post();
    await bob.to(201);
    expect(bob.pages).toEqual([{ seqs: [201], through: 201 }]);
    expect(source.past).toEqual([]);
  });

  it('hears after some quiet how far it is, and reads nothing again when it comes back from there', async () => {
    const source = new CountingSource();
    const feedOf = begin(source, { room: 1_000, times: { quiet: 5 } });
    const bob = listen(feedOf(), 0, BOB);
    const host = listen(feedOf(), 0, ADMIN);
    for (let joined = 1; joined <= 100; joined += 1) source.tell(presence(`device-${joined}`));
    await host.to(100);
    await bob.to(100);
    await bob.leave();
    expect(bob.pages.flatMap(({ seqs }) => seqs)).toEqual([]);
    const before = source.past.length;
    const back = listen(feedOf(), bob.pages.at(-1)?.through ?? 0, BOB);
    source.post();
    await back.to(101);
    expect(back.pages.flatMap(({ seqs }) => seqs)).toEqual([101]);
    expect(source.past).toHaveLength(before);
  });

  it('hears when its waiting is ended how far it was', async () => {
    const source = new CountingSource();
    const feed = begin(source)();
    const [partner, host] = [listen(feed, 0, PARTNER), listen(feed, 0, ADMIN)];
    for (let joined = 1; joined <= 10; joined += 1) source.tell(presence(`device-${joined}`));
    await host.to(10);
    await partner.leave();
    expect(partner.pages).toEqual([{ seqs: [], through: 10 }]);
  });

  it('is not led past what the source did not answer at first', async () => {
    const source = new CountingSource();
    for (let count = 0; count < 5; count += 1) source.post();
    source.forgetful = 1;
    const bob = listen(begin(source)(), 0, BOB);
    await expect.poll(() => source.forgetful, SOON).toBe(0);
    source.post();
    await bob.to(6);
    expect(bob.pages.flatMap(({ seqs }) => seqs)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('who is ahead of this process hears what comes behind its own place', async () => {
    const source = new CountingSource();
    const feeds = createFeeds({ logger });
    running.push(feeds);
    const ahead = listen(feeds.of('meeting', 0, source), 3, BOB);
    for (let count = 0; count < 4; count += 1) source.post();
    await ahead.to(4);
    expect(ahead.pages.flatMap(({ seqs }) => seqs)).toEqual([4]);
  });
});

/** What may come, in any order: for everybody, for admins, for and against devices of both companies. */
const KINDS = [
  'rekey',
  'group',
  'presence',
  'presence',
  'presence',
  'placement',
  'placement',
  'left',
] as const;
const DEVICES = [
  ...['host', 'bob', 'carl', 'dora'].map((deviceId) => ({ iss: ACME, deviceId })),
  ...['gwen', 'hal'].map((deviceId) => ({ iss: GLOBEX, deviceId })),
];
const READINGS = [ADMIN, BOB, CARL, PARTNER, { iss: GLOBEX, deviceId: 'gwen', admin: false }] as const;
const LAST = 120;

/** Some turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

/** Until the meeting’s end, over streams that end at any moment, each taken up where the one before it was. */
async function hear(feedOf: () => Feed, since: number, reading: Reading, random: RandomChoices) {
  const heard: RelayMessage[] = [];
  for (let place = since; ; ) {
    const leaving = new AbortController();
    void turns(random.number(60)).then(() => leaving.abort());
    try {
      for await (const { messages, through } of feedOf().follow(place, leaving.signal, reading)) {
        expect(through).toBeGreaterThanOrEqual(place);
        for (const message of messages) expect(message.seq).toBeGreaterThan(place);
        place = through;
        heard.push(...messages.filter((message) => concerns(message, reading)));
        if (heard.at(-1)?.kind === 'ended') return heard;
        if (random.number(4) === 0) await turns(random.number(10));
      }
    } catch (error) {
      if (!isCountersignError(error, 'storage_busy')) throw error;
    }
    await turns(random.number(20));
  }
}

async function tellAll(source: CountingSource, random: RandomChoices): Promise<void> {
  while (source.messages.length < LAST) {
    for (let count = random.number(6); count > 0; count -= 1) {
      source.tell({ kind: random.of(KINDS), ...random.of(DEVICES), body: 'x'.repeat(random.number(200)) });
    }
    if (random.number(20) === 0) source.failures.push(new CountersignError('storage_busy'));
    if (random.number(20) === 0) source.forgetful += 1;
    await turns(random.number(8));
  }
  source.end();
}

it('nobody misses anything, whatever comes and whenever they listen', async () => {
  const run = async (seed: number, room: number) => {
    const random = choicesFrom(seed);
    const source = new CountingSource();
    const replicas = [1, 3].map((quiet) => begin(source, { room, times: { linger: 1, retry: 1, quiet } }));
    const feedOf = () => random.of(replicas)();
    const readers = READINGS.flatMap((reading) =>
      [0, random.number(LAST)].map((since) => ({ reading, since })),
    );
    const telling = tellAll(source, random);
    const heard = await Promise.all(
      readers.map(async ({ reading, since }) => {
        while (source.messages.length < since) await turns(1);
        return hear(feedOf, since, reading, random);
      }),
    );
    await telling;
    const expected = readers.map(({ reading, since }) =>
      source.messages.filter((message) => message.seq > since && concerns(message, reading)),
    );
    expect(heard).toEqual(expected);
  };
  const seeds = fc.tuple(fc.nat(), fc.constantFrom(1, 3_000, 1_000_000));
  await fc.assert(
    fc.asyncProperty(seeds, ([seed, room]) => run(seed, room)),
    { numRuns: 25 },
  );
}, 60_000);
