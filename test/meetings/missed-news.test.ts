import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMeetingChanges, type MeetingChanges } from '../../bridge/meetings/meeting-changes.ts';
import { tellOfPage } from '../../bridge/meetings/page-news.ts';
import { storeProgress } from '../../bridge/meetings/progress-store.ts';
import { type RelayMessage, readMessages, restrictsGroup } from '../../bridge/meetings/relay-message.ts';
import { createMeetingWakes } from '../../bridge/meetings/wakes.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { Enrolled } from '../fakes/client-side.ts';
import { addMembers } from '../fakes/group-side.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import {
  enter,
  hostedMeeting,
  type MadeMeeting,
  makeDurable,
  removeDevice,
  removeMember,
} from './meeting-side.ts';
import { caughtUp, heldAtEnd } from './read-to-end.ts';

let bridges: TwoMeetingBridges;
let acme: MeetingBridge;
let ada: Enrolled;
let gus: Enrolled;
let people = 0;

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme } = bridges);
  [ada, gus] = [await acme.addEnrolled('ada'), await acme.addEnrolled('gus')];
});
afterEach(() => {
  acme.beforePage = undefined;
});
afterAll(() => bridges?.close());

function somebody(): Promise<Enrolled> {
  people += 1;
  return acme.addEnrolled(`person-${people}`);
}

const hosted = (...members: Parameters<typeof hostedMeeting>[2]) => hostedMeeting(acme, ada, members);

/** What a meeting is told of a change whose events stand in one page. */
async function toldOf(
  meeting: MadeMeeting,
  change: () => Promise<unknown>,
): Promise<readonly RelayMessage[]> {
  const readOn = await heldAtEnd(acme);
  const { length } = await messagesIn(meeting);
  await change();
  await acme.parts.events.settled();
  readOn();
  await caughtUp(acme);
  return (await messagesIn(meeting)).slice(length);
}

async function messagesIn({ group }: MadeMeeting): Promise<readonly RelayMessage[]> {
  const page = { messages: 256, length: 100_000 };
  return (await acme.parts.database.read((query) => readMessages(query, group, 0, page))).messages;
}

function leavingsIn(messages: readonly RelayMessage[], { who }: Enrolled): number {
  return messages.filter(({ kind, body }) => kind === 'left' && body.includes(who.deviceId)).length;
}

describe('what one page of events says to a meeting', () => {
  it('a removed device is told though news of the group stands behind it', async () => {
    const bob = await somebody();
    const meeting = await hosted(bob);
    const newcomer = await somebody();
    const told = await toldOf(meeting, async () => {
      await removeDevice(acme, bob);
      await addMembers(acme, meeting, [newcomer]);
    });
    expect(told.map(({ kind }) => kind)).toEqual(['left', 'group']);
    expect(leavingsIn(told, bob)).toBe(1);
  });

  it('what one group took is told though another one has newer news', async () => {
    const bob = await somebody();
    const [first, second] = [await makeDurable(acme, ada, [gus]), await makeDurable(acme, ada, [bob])];
    const meeting = await hosted(first, second);
    const newcomers = [await somebody(), await somebody()];
    const told = await toldOf(meeting, async () => {
      await addMembers(acme, first, newcomers.slice(0, 1));
      await removeMember(acme, second, bob);
      await addMembers(acme, first, newcomers.slice(1));
    });
    expect(told.map(restrictsGroup)).toEqual([true]);
  });
});

describe('what happens while nobody reads the log', () => {
  it('the removal of a device is told by the next start', async () => {
    const bob = await somebody();
    const meeting = await hosted(bob);
    await acme.restart(async () => {
      await removeDevice(acme, bob);
      await acme.parts.events.settled();
    });
    await caughtUp(acme);
    expect(leavingsIn(await messagesIn(meeting), bob)).toBe(1);
  });

  it('is told once: where the device was present, and by however many starts', async () => {
    const [bob, eve] = [await somebody(), await somebody()];
    const meeting = await hosted(bob, eve);
    await enter(acme, acme, meeting, eve);
    await acme.restart(async () => {
      for (const person of [bob, eve]) await removeDevice(acme, person);
      await acme.parts.events.settled();
    });
    await acme.restart();
    await caughtUp(acme);
    const told = await messagesIn(meeting);
    expect([bob, eve].map((person) => leavingsIn(told, person))).toEqual([1, 1]);
  });

  it('begins at a place that never goes back, as replicas read at their own pace', async () => {
    const { database } = acme.parts;
    const read = () => database.read((query) => query.selectFrom('meeting_progress').selectAll().execute());
    const beyond = 1_000_000;
    await acme.restart(async () => {
      const [before] = await read();
      for (const seq of [beyond, beyond - 1]) await database.transaction((tx) => storeProgress(tx, seq));
      expect(await read()).toEqual([{ id: 1, seq: beyond }]);
      const back = { seq: before?.seq ?? 0 };
      await database.transaction((tx) => tx.updateTable('meeting_progress').set(back).execute());
    });
  });
});

describe('a meeting that cannot be told', () => {
  it('keeps no other from being told', async () => {
    const bob = await somebody();
    const meetings = [await hosted(bob), await hosted(bob), await hosted(bob)];
    const [, broken] = meetings;
    await caughtUp(acme);
    const { database, logger } = acme.parts;
    const wakes = createMeetingWakes({ cache: new MemoryCache({ clock: acme.parts.clock }), logger });
    const real = createMeetingChanges({ database, wakes });
    const changes: MeetingChanges = {
      async apply(group, change) {
        if (group === broken?.group) throw new CountersignError('internal');
        return real.apply(group, change);
      },
    };
    const { sub, deviceId } = bob.who;
    const removed = [{ seq: Number.MAX_SAFE_INTEGER, sub, deviceId, presentIn: new Set<string>() }];
    await tellOfPage({ iss: acme.iss, database, logger, changes }, [], removed);
    const told = await Promise.all(meetings.map(messagesIn));
    expect(told.map((messages) => messages.some(({ kind }) => kind === 'left'))).toEqual([true, false, true]);
  });
});
