import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  MEETING_LIFE_S,
  MEETING_PARTICIPANTS_OF_PARTNER,
  MEETINGS_ABROAD_OF_DEVICE,
} from '../../bridge/lib/limits.ts';
import { listAbroad } from '../../bridge/meetings/abroad-store.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { Enrolled } from '../fakes/client-side.ts';
import { addMembers } from '../fakes/group-side.ts';
import { SOON } from '../fakes/soon.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import {
  enter,
  type Heard,
  listen,
  type MadeMeeting,
  makeDurable,
  makeMeeting,
  rekey,
  removeDevice,
  removeMember,
} from './meeting-side.ts';

let bridges: TwoMeetingBridges;
/** Keeps the meetings; Ada hosts them. */
let acme: MeetingBridge;
let globex: MeetingBridge;
let ada: Enrolled;
let gwen: Enrolled;
const open: Heard[] = [];

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme, globex } = bridges);
  [ada, gwen] = [await acme.addEnrolled('ada'), await globex.addEnrolled('gwen')];
});
afterEach(async () => {
  globex.reaches = true;
  globex.onTheWay = undefined;
  for (const heard of open.splice(0)) await heard.close();
});
afterAll(() => bridges?.close());

const ref = ({ group }: { group: string }) => ({ iss: acme.iss, group });
const noted = ({ who }: Enrolled) =>
  globex.parts.database.read((query) =>
    listAbroad(query, { device_id: who.deviceId }, { after: undefined, limit: 10_000 }),
  );

/** Somebody of Globex is in a meeting at Acme; answers how Ada hears that they left. */
async function inMeeting(person: Enrolled): Promise<{ meeting: MadeMeeting; left: () => Promise<unknown> }> {
  const meeting = await makeMeeting(acme, ada, [person]);
  await rekey(acme, meeting, ada);
  await enter(globex, acme, meeting, person);
  return { meeting, left: await leavingOf(meeting, person) };
}

async function leavingOf(meeting: MadeMeeting, { who }: Enrolled): Promise<() => Promise<unknown>> {
  const host = await listen(acme.meetings, ada, ref(meeting), 0);
  open.push(host);
  return async () => {
    const message = await host.until(({ kind, data }) => kind === 'left' && data.includes(who.deviceId));
    return JSON.parse(message.data).reason;
  };
}

describe('a device of ours in a partner’s meeting', () => {
  it('is told to have left when it was removed just before its bridge was restarted', async () => {
    const ian = await globex.addEnrolled('ian');
    const { left } = await inMeeting(ian);
    globex.reaches = false;
    await removeDevice(globex, ian);
    await expect.poll(async () => (await noted(ian))[0]?.leaving, SOON).toBe(1);
    await globex.restart();
    globex.reaches = true;
    expect(await left()).toBe('revoked');
    await expect.poll(() => noted(ian), SOON).toEqual([]);
  });

  it('is told to have left when it was removed while its bridge was down', async () => {
    const ivy = await globex.addEnrolled('ivy');
    const { left } = await inMeeting(ivy);
    await globex.served.meetings.stop();
    await removeDevice(globex, ivy);
    await globex.parts.eventsSoFar();
    await globex.restart();
    expect(await left()).toBe('revoked');
  });

  it('is told to have left after its presence, when it was removed while that was on its way', async () => {
    const joe = await globex.addEnrolled('joe');
    const meeting = await makeMeeting(acme, ada, [joe]);
    await rekey(acme, meeting, ada);
    const left = await leavingOf(meeting, joe);
    globex.onTheWay = async ({ act }) => {
      if (act !== 'present') return;
      globex.onTheWay = undefined;
      await removeDevice(globex, joe);
      // The home hears of it, and knows of no such device yet.
      await expect.poll(() => noted(joe), SOON).toEqual([]);
    };
    await enter(globex, acme, meeting, joe);
    expect(await left()).toBe('revoked');
  });

  it('leaves with the durable group by which it came, though it listens to nothing', async () => {
    const kim = await globex.addEnrolled('kim');
    const team = await makeDurable(globex, gwen, [gwen, kim]);
    const meeting = await makeMeeting(acme, ada, []);
    await addMembers(acme, meeting, [team]);
    await rekey(acme, meeting, ada);
    await enter(globex, acme, meeting, kim);
    const left = await leavingOf(meeting, kim);
    await removeMember(globex, team, kim);
    expect(await left()).toBe('revoked');
  });

  it('is noted nowhere for meetings that do not let it in, nor at bridges that are no partners', async () => {
    const lea = await globex.addEnrolled('lea');
    const { meeting } = await inMeeting(lea);
    const before = await noted(lea);
    expect(before).toHaveLength(1);
    const others = { ...meeting, group: 'A'.repeat(43) };
    await expectCode(enter(globex, acme, others, lea), 'group_unknown');
    await expectCode(
      enter(globex, { ...acme, iss: 'https://nobody.example' }, meeting, lea),
      'partner_unknown',
    );
    expect(await noted(lea)).toEqual(before);
  });

  it('is in so many meetings at most, and is forgotten when they must be over', async () => {
    const max = await globex.addEnrolled('max');
    const { meeting } = await inMeeting(max);
    const [place] = await noted(max);
    const rows = Array.from({ length: MEETINGS_ABROAD_OF_DEVICE - 1 }, (_, index) => ({
      ...{ home: acme.iss, group_id: `${index}`, device_id: max.who.deviceId, sub: max.who.sub },
      ...{ noted: (place?.noted ?? 0) - MEETING_LIFE_S - 1, leaving: 0 },
    }));
    await globex.parts.database.transaction((tx) => tx.insertInto('meetings_abroad').values(rows).execute());
    const another = await makeMeeting(acme, ada, [max]);
    await rekey(acme, another, ada);
    await expectCode(enter(globex, acme, another, max), 'rate_limited');
    await enter(globex, acme, meeting, max);
    await globex.meetings.purge();
    expect(await noted(max)).toEqual([place]);
    await enter(globex, acme, another, max);
  });
});

describe('a partner that says that too many of its people are in a meeting', () => {
  it('leaves room for ours', async () => {
    const nat = await globex.addEnrolled('nat');
    const { meeting } = await inMeeting(nat);
    await acme.parts.database.transaction(async (tx) => {
      const row = { group_id: meeting.group, iss: globex.iss, sub: 'x', via: '[]', evidence: '{}', seq: 1 };
      const rows = Array.from({ length: MEETING_PARTICIPANTS_OF_PARTNER - 1 }, (_, at) => ({
        ...row,
        device_id: `${at}`,
      }));
      for (let at = 0; at < rows.length; at += 1_000) {
        await tx
          .insertInto('meeting_participants')
          .values(rows.slice(at, at + 1_000))
          .execute();
      }
    });
    const oli = await globex.addEnrolled('oli');
    await addMembers(acme, meeting, [oli]);
    await expectCode(enter(globex, acme, meeting, oli), 'overloaded');
    await enter(globex, acme, meeting, nat);
    await enter(acme, acme, meeting, ada);
  });
});
