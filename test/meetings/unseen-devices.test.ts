import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Enrolled } from '../fakes/client-side.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import {
  enter,
  type Heard,
  hostedMeeting,
  leavingsOf,
  listen,
  type MadeMeeting,
  makeDurable,
  removeDevice,
  removeMember,
} from './meeting-side.ts';
import { caughtUp } from './read-to-end.ts';

let bridges: TwoMeetingBridges;
let acme: MeetingBridge;
let ada: Enrolled;
const open: Heard[] = [];

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme } = bridges);
  ada = await acme.addEnrolled('ada');
});
afterEach(async () => {
  for (const heard of open.splice(0)) await heard.close();
});
afterAll(() => bridges?.close());

const hosted = (...members: Parameters<typeof hostedMeeting>[2]) => hostedMeeting(acme, ada, members);

async function hostOf({ group }: MadeMeeting, since = 0): Promise<Heard> {
  const heard = await listen(acme.meetings, ada, { iss: acme.iss, group }, since);
  open.push(heard);
  return heard;
}

async function hostFromNow(meeting: MadeMeeting): Promise<Heard> {
  const { seq } = await acme.meetings.state(ada.who, { iss: acme.iss, group: meeting.group });
  return hostOf(meeting, seq);
}

describe('a removed device that never showed itself', () => {
  it('is told to the host of each meeting that lets its person in: it may have opened the key', async () => {
    const bob = await acme.addEnrolled('bob');
    const team = await makeDurable(acme, ada, [bob]);
    for (const meeting of [await hosted(bob), await hosted(team)]) {
      const host = await hostOf(meeting);
      if (leavingsOf(host, bob).length > 0) throw new Error('told too early');
    }
    await removeDevice(acme, bob);
    for (const host of open) {
      const { data } = await host.until(({ kind }) => kind === 'left');
      const { sub, deviceId } = bob.who;
      expect(JSON.parse(data)).toEqual({ iss: acme.iss, sub, device_id: deviceId, reason: 'revoked' });
    }
  });

  it('is told once, by however many replicas, and not where it was present or its person is not', async () => {
    const eve = await acme.addEnrolled('eve');
    const [unseen, seen, others] = [await hosted(eve), await hosted(eve), await hosted()];
    await enter(acme, acme, seen, eve);
    // Of who was added they hear before, so that what they hear of the group from here on is of the removal.
    await caughtUp(acme);
    const hosts = [await hostFromNow(unseen), await hostFromNow(seen), await hostFromNow(others)];
    await acme.replica();
    await removeDevice(acme, eve);
    // Behind it comes what every host hears: that somebody else was removed.
    const gus = await acme.addEnrolled('gus');
    for (const meeting of [unseen, seen, others]) await removeMember(acme, meeting, gus);
    for (const host of hosts) await host.until(({ kind }) => kind === 'group');
    expect(hosts.map((host) => leavingsOf(host, eve).length)).toEqual([1, 1, 0]);
  });
});
