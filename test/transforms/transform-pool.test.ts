import { afterEach, describe, expect, it } from 'vitest';
import type { TransformPoolOptions } from '../../bridge/transforms/transform-pool.ts';
import type { TransformObserver } from '../../bridge/transforms/transforms.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { type HeldPool, heldPool } from './held-threads.ts';

let held: HeldPool | undefined;

afterEach(async () => {
  for (const thread of held?.threads ?? []) thread.postMessage('free');
  await held?.pool.stop();
});

function open(options: Partial<TransformPoolOptions> = {}): HeldPool {
  held = heldPool(options);
  return held;
}

/** What a job ends in: its code, or `done`. */
async function outcomeOf(running: Promise<unknown>): Promise<string> {
  return running.then(
    () => 'done',
    (error: unknown) => (isCountersignError(error) ? error.code : String(error)),
  );
}

/** The first two are given to the thread at once; what comes then waits. */
async function busy(pool: HeldPool): Promise<void> {
  for (const name of ['x1', 'x2']) void pool.add(name);
}

describe('the order', () => {
  it('lets meetings take turns: one with many joins does not hold up another', async () => {
    const pool = open();
    await busy(pool);
    const names = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1'];
    for (const name of names) void pool.add(name);
    await pool.finish(8);
    expect(pool.done).toEqual(['x1', 'x2', 'a1', 'b1', 'c1', 'a2', 'a3', 'a4']);
  });

  it('lets companies take turns: one with many meetings does not hold up another', async () => {
    const pool = open();
    await busy(pool);
    const of = (company: string, meeting: string) => ({ turn: [company, meeting, 'person'] }) as const;
    for (const meeting of ['a1', 'b1', 'c1', 'd1']) void pool.add(meeting, of('partner', meeting));
    for (const join of ['x3', 'x4']) void pool.add(join, of('ours', 'plans'));
    await pool.finish(8);
    expect(pool.done.slice(2)).toEqual(['a1', 'x3', 'b1', 'x4', 'c1', 'd1']);
  });

  it('lets people take turns: one who asks again and again does not hold up their meeting', async () => {
    const pool = open();
    await busy(pool);
    const by = (person: string) => ({ turn: ['ours', 'plans', person] }) as const;
    for (const join of ['a1', 'a2', 'a3']) void pool.add(join, by('ada'));
    void pool.add('g1', by('gus'));
    await pool.finish(6);
    expect(pool.done.slice(2)).toEqual(['a1', 'g1', 'a2', 'a3']);
  });

  it('serves joins before assets', async () => {
    const pool = open();
    await busy(pool);
    void pool.add('asset', { priority: 'asset' });
    void pool.add('join');
    await pool.finish(4);
    expect(pool.done.slice(2)).toEqual(['join', 'asset']);
  });

  it('lets an asset in after eight joins: no asset waits for ever', async () => {
    const pool = open();
    await busy(pool);
    await pool.finish(2);
    await busy(pool);
    void pool.add('asset', { priority: 'asset' });
    for (let join = 0; join < 12; join += 1) void pool.add(`j${join}`);
    await pool.finish(15);
    const place = pool.done.indexOf('asset');
    expect(place).toBeGreaterThan(4);
    expect(place).toBeLessThanOrEqual(2 + 8);
  });
});

describe('the bound', () => {
  it('answers `overloaded`, with when to come again, to who finds the queue full', async () => {
    const pool = open({ queue: 2 });
    await busy(pool);
    void pool.add('a1');
    void pool.add('b1');
    const refused = await pool.add('c1').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'overloaded', retryAfter: 1 });
    await pool.finish(4);
    expect(pool.done).toEqual(['x1', 'x2', 'a1', 'b1']);
  });

  it('says to come later the more there is to do', async () => {
    const pool = open({ queue: 400 });
    await busy(pool);
    for (let join = 0; join < 400; join += 1) void pool.add(`a${join}`);
    const refused = await pool.add('a-last').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'overloaded', retryAfter: 6 });
  });

  it('is no way for one meeting to keep others out: its newest makes room', async () => {
    const pool = open({ queue: 3 });
    await busy(pool);
    const first = pool.add('a1');
    const second = pool.add('a2');
    const third = pool.add('a3');
    const other = pool.add('b1');
    expect(await outcomeOf(third)).toBe('overloaded');
    await pool.finish(5);
    expect(await Promise.all([first, second, other].map(outcomeOf))).toEqual(['done', 'done', 'done']);
  });

  it('is no way for one company to keep others out, in however many meetings it is', async () => {
    const pool = open({ queue: 3 });
    await busy(pool);
    const many = ['a1', 'b1', 'c1'].map((name) => pool.add(name));
    const other = pool.add('d1', { turn: ['other', 'plans', 'person'] });
    expect(await outcomeOf(many[2] ?? other)).toBe('overloaded');
    await pool.finish(5);
    expect(await outcomeOf(other)).toBe('done');
  });

  it('of joins is none of assets, nor the other way', async () => {
    const pool = open({ queue: 1 });
    await busy(pool);
    void pool.add('j1');
    const asset = pool.add('asset', { priority: 'asset' });
    expect(await outcomeOf(pool.add('j2'))).toBe('overloaded');
    await pool.finish(4);
    expect(await outcomeOf(asset)).toBe('done');
  });
});

describe('a caller that goes away', () => {
  it('takes its job out of the queue', async () => {
    const pool = open();
    await busy(pool);
    const gone = new AbortController();
    const dropped = pool.add('a1', { signal: gone.signal });
    void pool.add('b1');
    gone.abort();
    expect(await outcomeOf(dropped)).toBe('aborted');
    await pool.finish(3);
    expect(pool.done).toEqual(['x1', 'x2', 'b1']);
  });

  it('does not get what was under way', async () => {
    const pool = open();
    const gone = new AbortController();
    const running = pool.add('a1', { signal: gone.signal });
    gone.abort();
    expect(await outcomeOf(running)).toBe('aborted');
    void pool.add('b1');
    pool.threads[0]?.postMessage('go');
    await pool.finish(1);
    expect(pool.done).toEqual(['b1']);
  });

  it('before its job begins does not begin it', async () => {
    const pool = open();
    expect(await outcomeOf(pool.add('a1', { signal: AbortSignal.abort() }))).toBe('aborted');
    expect(pool.threads).toHaveLength(0);
  });
});

describe('a thread that ends', () => {
  it('fails what it was given with `unavailable`, and is replaced for what waits', async () => {
    const pool = open();
    const first = pool.add('a1');
    const second = pool.add('a2');
    const third = pool.add('a3');
    pool.threads[0]?.postMessage('crash');
    expect(await Promise.all([first, second].map(outcomeOf))).toEqual(['unavailable', 'unavailable']);
    expect(pool.threads).toHaveLength(2);
    await pool.finish(1);
    expect(await outcomeOf(third)).toBe('done');
  });
});

describe('the stop', () => {
  it('finishes what was taken, and takes no more', async () => {
    const pool = open();
    const jobs = ['a1', 'a2', 'a3'].map((name) => pool.add(name));
    const stopping = pool.pool.stop();
    expect(await outcomeOf(pool.add('late'))).toBe('unavailable');
    await pool.finish(3);
    await stopping;
    expect(await Promise.all(jobs.map(outcomeOf))).toEqual(['done', 'done', 'done']);
  });
});

describe('the keys of a job', () => {
  const keyOf = () => Uint8Array.of(1, 2, 3);
  const wiped = Uint8Array.of(0, 0, 0);

  it('do not stay here once a thread has them', async () => {
    const pool = open();
    const key = keyOf();
    void pool.add('a1', { keys: [key] });
    expect(key).toEqual(wiped);
  });

  it('are wiped where the job is refused, or given up', async () => {
    const pool = open({ queue: 1 });
    await busy(pool);
    const [waiting, refused] = [keyOf(), keyOf()];
    const gone = new AbortController();
    const given = pool.add('a1', { keys: [waiting], signal: gone.signal });
    await outcomeOf(pool.add('b1', { keys: [refused] }));
    expect([waiting, refused]).toEqual([keyOf(), wiped]);
    gone.abort();
    await outcomeOf(given);
    expect(waiting).toEqual(wiped);
  });
});

describe('the observer', () => {
  it('is told how many wait, what was done, and what was not', async () => {
    const told: string[] = [];
    const observer: TransformObserver = {
      waiting: (priority, jobs) => told.push(`${priority} waiting ${jobs}`),
      finished: (priority, { waited, worked }) => told.push(`${priority} ${waited >= 0 && worked > 0}`),
      failed: (priority, code) => told.push(`${priority} ${code}`),
    };
    const pool = open({ observer, queue: 1 });
    await busy(pool);
    void pool.add('asset', { priority: 'asset' });
    await outcomeOf(pool.add('more', { priority: 'asset' }));
    await pool.finish(3);
    expect(told.filter((line) => line.startsWith('asset'))).toEqual([
      'asset waiting 1',
      'asset overloaded',
      'asset waiting 0',
      'asset true',
    ]);
    expect(told.filter((line) => line === 'join true')).toHaveLength(2);
  });
});
