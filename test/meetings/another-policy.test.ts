import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listAbroad } from '../../bridge/meetings/abroad-store.ts';
import { participantsOf } from '../../bridge/meetings/participant-store.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { Enrolled } from '../fakes/client-side.ts';
import { SOON } from '../fakes/soon.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { policyText, withFile } from '../policy/policy-texts.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import { enter, type Heard, listen, type MadeMeeting, makeMeeting, rekey } from './meeting-side.ts';

let bridges: TwoMeetingBridges;
/** Keeps the meetings; Ada hosts them, Bob is her colleague and Gwen of the other company. */
let acme: MeetingBridge;
let globex: MeetingBridge;
let ada: Enrolled;
let bob: Enrolled;
let gwen: Enrolled;
const open: Heard[] = [];

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme, globex } = bridges);
  [ada, bob] = [await acme.addEnrolled('ada'), await acme.addEnrolled('bob')];
  gwen = await globex.addEnrolled('gwen');
  await acme.parts.database.transaction((tx) =>
    tx.updateTable('persons').set({ assurance: 'guest' }).where('sub', '=', bob.who.sub).execute(),
  );
  bob = { ...bob, who: { ...bob.who, assurance: 'guest' } };
});
afterEach(async () => {
  acme.enforce(testPolicy());
  globex.enforce(testPolicy());
  for (const heard of open.splice(0)) await heard.close();
});
afterAll(() => bridges?.close());

const ref = ({ group }: { group: string }) => ({ iss: acme.iss, group });

async function hear(at: MeetingBridge, person: Enrolled, meeting: MadeMeeting): Promise<Heard> {
  const heard = await listen(at.meetings, person, ref(meeting), 0);
  open.push(heard);
  return heard;
}

/** All three are in a meeting, and Ada listens. */
async function inMeeting(): Promise<{ meeting: MadeMeeting; host: Heard }> {
  const meeting = await makeMeeting(acme, ada, [bob, gwen]);
  await rekey(acme, meeting, ada);
  await enter(acme, acme, meeting, ada);
  await enter(acme, acme, meeting, bob);
  await enter(globex, acme, meeting, gwen);
  return { meeting, host: await hear(acme, ada, meeting) };
}

let policies = 0;

/** Each another policy than any before: the same one again is no change. */
function forbidding(action: string, who: string, when = 'true') {
  policies += 1;
  const forbid = `forbid (${who}, action == Countersign::Action::"${action}", resource) when { ${when} }`;
  return testPolicy({ change: () => withFile(policyText(`not-any-more-${policies}`, forbid)) });
}
const noGuests = () =>
  forbidding('join-meeting', 'principal is Countersign::Person', 'principal.assurance == "guest"');

const left = (host: Heard, { who }: Enrolled) =>
  host.until(({ kind, data }) => kind === 'left' && data.includes(who.deviceId));
const present = async (meeting: MadeMeeting) =>
  (
    await acme.parts.database.read((query) => participantsOf(query, { group: meeting.group }, { limit: 10 }))
  ).map(({ device_id: deviceId }) => deviceId);
const abroad = () =>
  globex.parts.database.read((query) => listAbroad(query, {}, { after: undefined, limit: 10 }));

describe('when another policy comes into force', () => {
  it('who may not join any more hears nothing more, and the host is told that they left', async () => {
    const { meeting, host } = await inMeeting();
    const guest = await hear(acme, bob, meeting);
    acme.enforce(noGuests());
    await guest.ended;
    expect(JSON.parse((await left(host, bob)).data)).toMatchObject({ sub: bob.who.sub, reason: 'revoked' });
    expect((await present(meeting)).sort()).toEqual([ada.who.deviceId, gwen.who.deviceId].sort());
    await expectCode(listen(acme.meetings, bob, ref(meeting), 0), 'forbidden');
  });

  it('who may goes on listening', async () => {
    const { meeting, host } = await inMeeting();
    const partners = await hear(globex, gwen, meeting);
    acme.enforce(noGuests());
    await left(host, bob);
    const { seq } = await rekey(acme, meeting, ada);
    await host.until((told) => told.seq === seq);
    await partners.until((told) => told.seq === seq);
  });

  it('a partner’s people leave where the partner may not bring them any more', async () => {
    const { meeting, host } = await inMeeting();
    const partners = await hear(globex, gwen, meeting);
    acme.enforce(forbidding('join-meeting', `principal == Countersign::Partner::"${globex.iss}"`));
    await left(host, gwen);
    await partners.ended;
    expect((await present(meeting)).sort()).toEqual([ada.who.deviceId, bob.who.deviceId].sort());
  });

  it('people of ours leave a partner’s meeting that they may not ask for any more', async () => {
    const { meeting, host } = await inMeeting();
    const there = await hear(globex, gwen, meeting);
    globex.enforce(forbidding('join-foreign-meeting', 'principal'));
    await there.ended;
    expect(JSON.parse((await left(host, gwen)).data)).toMatchObject({ sub: gwen.who.sub, reason: 'revoked' });
    await expect.poll(abroad, SOON).toEqual([]);
  });

  it('who only listens hears nothing more, in any process on the store', async () => {
    const meeting = await makeMeeting(acme, ada, [bob]);
    await rekey(acme, meeting, ada);
    const heard = [acme.meetings, await acme.replica()].map((each) => listen(each, bob, ref(meeting), 0));
    open.push(...(await Promise.all(heard)));
    acme.enforce(noGuests());
    for (const guest of await Promise.all(heard)) await guest.ended;
  });
});
