import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { MEETING_EPOCHS_KEPT } from '../../bridge/lib/limits.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createMeetingChanges, type MeetingChanges } from '../../bridge/meetings/meeting-changes.ts';
import {
  appendMessages,
  endMeeting,
  findMeeting,
  findRekeyOf,
  type NewMessage,
} from '../../bridge/meetings/meeting-store.ts';
import { readMessages } from '../../bridge/meetings/relay-message.ts';
import { createMeetingWakes, type MeetingWakes } from '../../bridge/meetings/wakes.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';

const GROUP = 'g'.repeat(43);
const PAGE = { messages: 256, length: 100_000 };

let store: TemporaryStore;
let database: Database;
let wakes: MeetingWakes;
let changes: MeetingChanges;

beforeEach(async () => {
  store = await temporaryStore(systemClock);
  ({ database } = store);
  const logger = createLogger({ level: 'silent' });
  wakes = createMeetingWakes({ cache: new MemoryCache({ clock: systemClock }), logger });
  changes = createMeetingChanges({ database, wakes, keep: { messages: 20, length: 2_000 } });
});
afterEach(() => store.remove());

function post(body: string, through: MeetingChanges = changes): Promise<number> {
  const message: NewMessage = { kind: 'group', body };
  return through.apply(GROUP, async (tx, meeting) => {
    const after = await appendMessages(tx, meeting, [message]);
    return { meeting: after, result: after.seq };
  });
}

/** A rekey message. */
function begin(epoch: number): Promise<number> {
  return changes.apply(GROUP, async (tx, meeting) => {
    const message: NewMessage = { kind: 'rekey', epoch, body: `epoch ${epoch}` };
    const after = await appendMessages(tx, meeting, [message], { epoch });
    return { meeting: after, result: after.seq };
  });
}

const read = (after: number, page = PAGE) =>
  database.read((query) => readMessages(query, GROUP, after, page));
const meeting = () => database.read((query) => findMeeting(query, GROUP));
const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('the messages of a meeting', () => {
  it('are numbered without gaps, however many come at once and through whichever process', async () => {
    const other = await store.openAnother();
    const elsewhere = createMeetingChanges({ database: other, wakes });
    await post('first');
    const numbers = await Promise.all(
      upTo(40).map((count) => post(`${count}`, count % 2 === 0 ? changes : elsewhere)),
    );
    expect(numbers.sort((a, b) => a - b)).toEqual(upTo(41, 2));
  });

  it('are refused one by one: who shares a transaction with a refused one is not concerned', async () => {
    const refused = changes.apply(GROUP, async () => {
      throw new CountersignError('presence_mismatch');
    });
    const posted = [post('a'), post('b')];
    await expectCode(refused, 'presence_mismatch');
    expect(await Promise.all(posted)).toEqual([1, 2]);
  });

  it('leave nothing behind when all of them are refused', async () => {
    const refused = changes.apply(GROUP, async () => {
      throw new CountersignError('group_unknown');
    });
    await expectCode(refused, 'group_unknown');
    expect(await meeting()).toBeUndefined();
  });

  it('wake whoever listens, once they are stored', async () => {
    const { bell, close } = wakes.listen(GROUP);
    const heard = bell.rings;
    const woken = bell.wait(heard, 10_000);
    await post('a');
    await woken;
    expect((await read(0)).messages).toHaveLength(1);
    close();
  });

  it('are read in pages, one message at least', async () => {
    for (const length of [400, 400, 900]) await post('x'.repeat(length));
    const page = { messages: 256, length: 800 };
    expect((await read(0, page)).through).toBe(2);
    expect((await read(2, page)).through).toBe(3);
    expect(await read(3, page)).toEqual({ messages: [], through: 3 });
    expect((await read(0, { messages: 1, length: 5_000 })).through).toBe(1);
  });

  it('are kept up to a number; who missed one that is gone is told so', async () => {
    for (let count = 1; count <= 25; count += 1) await post(`${count}`);
    const { pruned = 0, seq } = (await meeting()) ?? {};
    expect({ seq, kept: 25 - pruned <= 20 }).toEqual({ seq: 25, kept: true });
    await expectCode(read(0), 'meeting_missed');
    await expectCode(read(pruned - 1), 'meeting_missed');
    const { messages } = await read(pruned);
    expect(messages.map(({ seq: at }) => at)).toEqual(upTo(25, pruned + 1));
  });

  it('go without the rekey messages of the newest epochs, which newcomers answer', async () => {
    for (let epoch = 1; epoch <= 3; epoch += 1) await begin(epoch);
    for (let count = 1; count <= 60; count += 1) await post(`${count}`);
    const kept = (epoch: number) => database.read((query) => findRekeyOf(query, GROUP, epoch));
    expect((await meeting())?.pruned).toBeGreaterThan(3);
    expect([await kept(1), await kept(3)]).toMatchObject([{ seq: 1 }, { seq: 3 }]);
    const { pruned = 0 } = (await meeting()) ?? {};
    const { messages } = await read(pruned);
    expect(messages[0]?.seq).toBe(pruned + 1);
    await begin(3 + MEETING_EPOCHS_KEPT);
    for (let count = 1; count <= 60; count += 1) await post(`${count}`);
    expect([await kept(3), (await kept(3 + MEETING_EPOCHS_KEPT)) === undefined]).toEqual([undefined, false]);
  });

  it('are kept up to a length', async () => {
    for (let count = 1; count <= 5; count += 1) await post('x'.repeat(600));
    const { pruned = 0, size = 0 } = (await meeting()) ?? {};
    expect(size).toBeLessThanOrEqual(2_000);
    const { messages } = await read(pruned);
    expect(messages.reduce((sum, { body }) => sum + body.length, 0)).toBe(size);
    expect(messages.at(-1)?.seq).toBe(5);
  });

  it('are gone when the meeting has ended, but for the word that it has, wherever somebody was', async () => {
    for (let count = 1; count <= 3; count += 1) await post(`${count}`);
    await changes.apply(GROUP, async (tx, before) => ({
      meeting: await endMeeting(tx, before),
      result: undefined,
    }));
    for (const after of [0, 2, 3]) {
      expect(await read(after)).toMatchObject({
        messages: [{ seq: 4, kind: 'ended', body: '{}' }],
        through: 4,
      });
    }
    await expectCode(post('late'), 'conflict');
    expect(await meeting()).toMatchObject({ status: 'ended', rekey: null, seq: 4 });
  });
});
