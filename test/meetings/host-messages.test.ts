import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MeetingMembers } from '../../protocol/meetings/api.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import { enter, listen, type MadeMeeting, makeMeeting, rekey, rekeyUpload } from './meeting-side.ts';

let bridges: TwoMeetingBridges;
let acme: MeetingBridge;
/** Admins of each meeting; Bob is a member, Eve is nothing. */
let ada: Enrolled;
let ben: Enrolled;
let bob: Enrolled;
let eve: Enrolled;
let meeting: MadeMeeting;

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme } = bridges);
  [ada, ben, bob, eve] = [
    await acme.addEnrolled('ada'),
    await acme.addEnrolled('ben'),
    await acme.addEnrolled('bob'),
    await acme.addEnrolled('eve'),
  ];
});
beforeEach(async () => {
  meeting = await makeMeeting(acme, ada, [bob], [ada, ben]);
});
afterAll(() => bridges?.close());

const ref = () => ({ iss: acme.iss, group: meeting.group });

type Given = Parameters<typeof rekeyUpload>[3];

async function post(host: Enrolled, given: Given = {}): Promise<number> {
  const { upload } = await rekeyUpload(acme, meeting, host, given);
  return acme.meetings.rekey(host.who, upload, contextOf(host.who));
}

const membersOf = (after?: number): Promise<MeetingMembers> =>
  acme.meetings.members(bob.who, { ...ref(), after });

describe('a host’s message', () => {
  it('is the newest of the meeting when it follows the newest, and anybody in it is told so', async () => {
    expect(await acme.meetings.state(bob.who, ref())).toEqual({
      rekey: null,
      key_id: null,
      signers: [],
      seq: 0,
    });
    const first = await rekey(acme, meeting, ada);
    const { seq, token } = await rekey(acme, meeting, ada);
    expect(seq).toBeGreaterThan(first.seq);
    const state = await acme.meetings.state(bob.who, ref());
    expect(state).toMatchObject({ rekey: token, signers: [{ address: 'ada@acme.example' }] });
    expect(state.seq).toBeGreaterThanOrEqual(seq);
  });

  it('is refused behind a stale head: of two that follow the same one, one counts', async () => {
    await rekey(acme, meeting, ada);
    const [one, other] = [await rekeyUpload(acme, meeting, ada), await rekeyUpload(acme, meeting, ada)];
    const results = await Promise.allSettled(
      [one, other].map(({ upload }) => acme.meetings.rekey(ada.who, upload, contextOf(ada.who))),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((each) => each.status === 'rejected')).toMatchObject({
      reason: { code: 'conflict' },
    });
    const { rekey: newest } = await acme.meetings.state(bob.who, ref());
    const counted = results[0]?.status === 'fulfilled' ? one : other;
    expect(newest).toBe(counted.upload.token);
  });

  it.each<[string, Given]>([
    ['for an epoch that is not the next', { changes: { epoch: 4 } }],
    ['for the epoch that is the newest', { changes: { epoch: 2 } }],
    ['for a term that is not the next', { changes: { term: 3 } }],
    ['behind another message', { changes: { prev: 'x'.repeat(43) } }],
  ])('is refused %s', async (_what, given) => {
    await rekey(acme, meeting, ada);
    await rekey(acme, meeting, ada);
    await expectCode(post(ada, given), 'conflict');
  });

  it('is answered as the first time when it is sent again, also in the place of another’s', async () => {
    const { upload } = await rekeyUpload(acme, meeting, ada);
    const send = () => acme.meetings.rekey(ada.who, upload, contextOf(ada.who));
    expect([await send(), await send()]).toEqual([1, 1]);
    const events = (await acme.parts.eventsSoFar()).filter(({ subject }) => subject.group === meeting.group);
    expect(events.filter(({ type }) => type === 'meeting.rekeyed')).toHaveLength(1);
  });

  it('is taken from one device a term, until another admin takes over', async () => {
    await rekey(acme, meeting, ada);
    await expectCode(post(ben), 'rekey_sender');
    meeting.term += 1;
    await rekey(acme, meeting, ben);
    await expectCode(post(ada, { changes: { term: 1 } }), 'conflict');
    await expectCode(post(ada), 'rekey_sender');
    const events = (await acme.parts.eventsSoFar()).filter(({ subject }) => subject.group === meeting.group);
    expect(events.filter(({ type }) => type.startsWith('meeting.'))).toMatchObject([
      { type: 'meeting.rekeyed', data: { term: 1, epoch: 1 }, actor: { sub: ada.who.sub } },
      { type: 'meeting.taken_over', data: { term: 2, epoch: 2, previous: ada.who.deviceId } },
      { type: 'meeting.rekeyed', data: { term: 2, epoch: 2 }, actor: { sub: ben.who.sub } },
    ]);
  });

  it('is refused from whoever is no admin, whatever it is signed with', async () => {
    await expectCode(post(bob), 'group_not_admin');
    await expectCode(post(eve), 'group_unknown');
    await expectCode(post(ada, { signer: ben }), 'rekey_sender');
    await expectCode(post(ada, { changes: { sub: ben.who.sub } }), 'rekey_sender');
    await expectCode(post(ada, { changes: { iss: 'https://bridge.globex.example' } }), 'rekey_sender');
  });

  it('is refused with the sealed key, or the placements, of another', async () => {
    const one = await rekeyUpload(acme, meeting, ada, { newcomers: [bob] });
    const other = await rekeyUpload(acme, meeting, ada, { newcomers: [bob] });
    const send = (changes: object) =>
      acme.meetings.rekey(ada.who, { ...one.upload, ...changes }, contextOf(ada.who));
    await expectCode(send({ sealed_key: other.upload.sealed_key }), 'rekey_mismatch');
    await expectCode(send({ placements: other.upload.placements }), 'rekey_mismatch');
    await expectCode(send({ placements: [] }), 'rekey_mismatch');
    await expectCode(
      send({ placements: [...one.upload.placements, ...other.upload.placements] }),
      'rekey_mismatch',
    );
    expect((await acme.meetings.state(bob.who, ref())).seq).toBe(0);
    expect(await send({})).toBe(1);
  });

  it('is refused when the meeting’s time is over', async () => {
    await rekey(acme, meeting, ada);
    const { upload } = await rekeyUpload(acme, meeting, ada);
    acme.parts.clock.advance(3_601);
    try {
      await expectCode(acme.meetings.rekey(ada.who, upload, contextOf(ada.who)), 'group_ended');
      expect(await acme.meetings.purge()).toBeGreaterThanOrEqual(1);
    } finally {
      acme.parts.clock.advance(-3_601);
    }
  });

  it('brings each device its own placement alone', async () => {
    await rekey(acme, meeting, ada);
    const heard = await listen(acme.meetings, bob, ref(), 0);
    await rekey(acme, meeting, ada, { newcomers: [ben] });
    const { seq, token } = await rekey(acme, meeting, ada, { newcomers: [bob, ben] });
    const placed = await heard.until(({ kind }) => kind === 'placement');
    expect(heard.kinds.filter((kind) => kind !== 'group')).toEqual(['rekey', 'rekey', 'rekey', 'placement']);
    expect(heard.messages).toContainEqual({ seq, kind: 'rekey', data: JSON.stringify({ token }) });
    expect(JSON.parse(placed.data)).toMatchObject({ rekey: meeting.rekeyHead });
    await heard.close();
  });
});

describe('the list of members', () => {
  it('says who has a place, as the host’s messages do', async () => {
    await rekey(acme, meeting, ada, { newcomers: [bob, ben] });
    const of = ({ who }: Enrolled, leaf: number) => ({
      ...{ leaf, iss: acme.iss, sub: who.sub, device_id: who.deviceId },
    });
    expect(await membersOf()).toEqual({ rekey: meeting.rekeyHead, members: [of(bob, 0), of(ben, 1)] });
    expect((await membersOf(0)).members).toEqual([of(ben, 1)]);
    await rekey(acme, meeting, ada, { changes: { change: { joined: [], left: [0] }, levels: 4 } });
    expect(await membersOf()).toEqual({ rekey: meeting.rekeyHead, members: [of(ben, 1)] });
  });

  it('is empty when another host has taken over', async () => {
    await rekey(acme, meeting, ada, { newcomers: [bob] });
    meeting.term += 1;
    await rekey(acme, meeting, ben);
    expect((await membersOf()).members).toEqual([]);
  });
});

describe('the roster', () => {
  it('is what devices showed, for whoever is in the meeting, until they leave', async () => {
    await rekey(acme, meeting, ada);
    await enter(acme, acme, meeting, bob);
    await enter(acme, acme, meeting, bob);
    const devices = [bob.who.deviceId, eve.who.deviceId];
    const { participants } = await acme.meetings.roster(ben.who, { ...ref(), devices });
    expect(participants).toMatchObject([{ device_id: bob.who.deviceId, address: 'bob@acme.example' }]);
    await expectCode(acme.meetings.roster(eve.who, { ...ref(), devices }), 'group_unknown');
    await acme.meetings.leave(bob.who, ref(), contextOf(bob.who));
    await acme.meetings.leave(bob.who, ref(), contextOf(bob.who));
    expect(await acme.meetings.roster(ben.who, { ...ref(), devices })).toEqual({ participants: [] });
    const events = (await acme.parts.eventsSoFar()).filter(({ subject }) => subject.group === meeting.group);
    expect(events.map(({ type }) => type).filter((type) => /^meeting\.(joined|left)/.test(type))).toEqual([
      ...['meeting.joined', 'meeting.left'],
    ]);
  });

  it('is refused to a device that is not endorsed', async () => {
    const who = { ...bob.who, deviceId: 'x'.repeat(43) };
    await expectCode(
      acme.meetings.roster(who, { ...ref(), devices: [bob.who.deviceId] }),
      'device_not_endorsed',
    );
    await expectCode(acme.meetings.stream(who, { ...ref(), since: 0 }), 'device_not_endorsed');
  });
});
