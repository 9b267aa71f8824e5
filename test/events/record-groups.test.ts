import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordGroups } from '../../bridge/events/record-groups.ts';
import { SOON } from '../fakes/soon.ts';

/** A disk that takes a group when it is told to. */
let committed: { readonly entries: readonly string[]; take(): void; refuse(error: Error): void }[];
let groups: RecordGroups<string>;

const HOUR = 3_600_000;

function open(gatherMs?: number): RecordGroups<string> {
  return new RecordGroups(
    (entries) =>
      new Promise((resolve, reject) => {
        committed.push({ entries, take: resolve, refuse: reject });
      }),
    gatherMs,
  );
}

beforeEach(() => {
  committed = [];
  groups = open(HOUR);
});

/** The group that the disk is given next. */
async function group(index: number) {
  await vi.waitFor(() => expect(committed.length).toBeGreaterThan(index), SOON);
  const found = committed[index];
  if (found === undefined) throw new Error('there is no such group');
  return found;
}

/** One in each turn, before the groups look what it brought. */
async function addEachTurn(entries: Iterable<string>): Promise<void> {
  let turn = nextTurn();
  for (const entry of entries) {
    void groups.add(entry);
    await turn;
    turn = nextTurn();
  }
}

/** Has the disk take every group, those too that come meanwhile. */
async function takeAll(): Promise<void> {
  let isIdle = false;
  const idle = groups.idle().then(() => {
    isIdle = true;
  });
  while (!isIdle) {
    for (const { take } of committed) take();
    await nextTurn();
  }
  await idle;
}

describe('Entries that wait for the disk', () => {
  it('share a commit when they come at once, and are done when the disk has taken it', async () => {
    const done: string[] = [];
    const all = ['a', 'b', 'c'].map((entry) => groups.add(entry).then(() => done.push(entry)));
    const { entries, take } = await group(0);
    expect(entries).toEqual(['a', 'b', 'c']);
    expect(done).toEqual([]);
    take();
    await Promise.all(all);
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it('share one with what the next turns of the event loop bring', async () => {
    await addEachTurn(['a', 'b', 'c'].values());
    const { entries, take } = await group(0);
    expect(entries).toEqual(['a', 'b', 'c']);
    take();
    await groups.idle();
  });

  it('are the next group when they come while the disk takes one', async () => {
    void groups.add('a');
    const first = await group(0);
    void groups.add('b');
    await nextTurn();
    void groups.add('c');
    await nextTurn();
    await nextTurn();
    expect(committed).toHaveLength(1);
    first.take();
    const second = await group(1);
    expect(second.entries).toEqual(['b', 'c']);
    second.take();
    await groups.idle();
  });

  it('do not wait for ever for others that keep coming', async () => {
    groups = open();
    function* untilCommitted() {
      for (let count = 1; committed.length === 0 && count <= 100_000; count += 1) yield `${count}`;
    }
    await addEachTurn(untilCommitted());
    expect(committed).toHaveLength(1);
    await takeAll();
  });

  it('are at most 500 to a commit', async () => {
    const all = Promise.all(Array.from({ length: 501 }, (_, index) => groups.add(`${index}`)));
    const first = await group(0);
    expect(first.entries).toHaveLength(500);
    first.take();
    const second = await group(1);
    expect(second.entries).toEqual(['500']);
    second.take();
    await all;
  });
});

describe('A group that the disk refuses', () => {
  it('fails each of its entries, and none of the next', async () => {
    const refused = Promise.allSettled([groups.add('a'), groups.add('b')]);
    (await group(0)).refuse(new Error('full'));
    expect((await refused).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = groups.add('c');
    (await group(1)).take();
    await expect(next).resolves.toBeUndefined();
  });
});
