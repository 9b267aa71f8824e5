import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { groupBody } from '../../bridge/meetings/relay-message.ts';
import type { Meetings } from '../../bridge/meetings/services.ts';
import { signGroupKey } from '../../protocol/groups/group-key.ts';
import { CHALLENGES_KEPT } from '../../protocol/meetings/limits.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { addMembers, nextGroupKey } from '../fakes/group-side.ts';
import { SOON } from '../fakes/soon.ts';
import {
  ADMINISTRATOR,
  type MeetingBridge,
  type TwoMeetingBridges,
  twoMeetingBridges,
} from './meeting-bridges.ts';
import {
  enter,
  exclude,
  type Heard,
  listen,
  makeDurable,
  makeMeeting,
  presence,
  rekey,
  removeMember,
} from './meeting-side.ts';
import { caughtUp } from './read-to-end.ts';

let bridges: TwoMeetingBridges;
/** Where the meetings are kept. */
let acme: MeetingBridge;
let globex: MeetingBridge;
/** Ada hosts at Acme; Bob is her colleague. Gwen and Hal are of Globex. */
let ada: Enrolled;
let bob: Enrolled;
let gwen: Enrolled;
let hal: Enrolled;
const open: Heard[] = [];

beforeAll(async () => {
  // So long that no question ends with nothing.
  bridges = await twoMeetingBridges({ hold: 30_000 });
  ({ acme, globex } = bridges);
  [ada, bob] = [await acme.addEnrolled('ada'), await acme.addEnrolled('bob')];
  [gwen, hal] = [await globex.addEnrolled('gwen'), await globex.addEnrolled('hal')];
});
afterEach(async () => {
  for (const heard of open.splice(0)) await heard.close();
});
afterAll(() => bridges?.close());

async function hear(...asked: Parameters<typeof listen>): Promise<Heard> {
  const heard = await listen(...asked);
  open.push(heard);
  return heard;
}

const ref = ({ group }: { group: string }) => ({ iss: acme.iss, group });
const rekeys = ({ messages }: Heard) => messages.filter(({ kind }) => kind === 'rekey');
const polls = (group: string) =>
  globex.asked.flatMap((asked) =>
    asked.act === 'poll' && asked.group === group && asked.wait ? [asked] : [],
  );
/** Behind which message the newest question of it asks. */
const asksBehind = (group: string) => polls(group).at(-1)?.after;

describe('a meeting at a partner', () => {
  it('is told in order to everybody who listens, from one question at a time for all of them', async () => {
    const meeting = await makeMeeting(acme, ada, [gwen, hal]);
    await rekey(acme, meeting, ada);
    const { seq } = await globex.meetings.state(gwen.who, ref(meeting));
    const heard = [
      await hear(globex.meetings, gwen, ref(meeting), seq),
      await hear(globex.meetings, hal, ref(meeting), seq),
      await hear(globex.meetings, hal, ref(meeting), seq),
    ];
    const sent: { seq: number; token: string }[] = [];
    for (let count = 0; count < 5; count += 1) {
      const message = await rekey(acme, meeting, ada);
      sent.push(message);
      for (const each of heard) await each.until((told) => told.seq === message.seq);
    }
    for (const each of heard) {
      expect(rekeys(each).map(({ seq: at, data }) => ({ seq: at, token: JSON.parse(data).token }))).toEqual(
        sent,
      );
    }
    // One for each message, and for the words on the group's members, and the one that is held open.
    expect(polls(meeting.group).length).toBeLessThanOrEqual(sent.length + 3);
    const places = polls(meeting.group).map(({ after }) => after);
    expect(new Set(places).size).toBe(places.length);
  });

  it('is not asked for while nobody listens', async () => {
    const meeting = await makeMeeting(acme, ada, [gwen]);
    await rekey(acme, meeting, ada);
    const heard = await hear(globex.meetings, gwen, ref(meeting), 0);
    await caughtUp(acme);
    const { seq } = await globex.meetings.state(gwen.who, ref(meeting));
    // Now a question is held open that nothing but the feed itself ends.
    await vi.waitFor(() => expect([globex.asking, asksBehind(meeting.group)]).toEqual([1, seq]), SOON);
    await heard.close();
    await vi.waitFor(() => expect(globex.asking).toBe(0), SOON);
    const before = polls(meeting.group).length;
    await rekey(acme, meeting, ada);
    await globex.meetings.state(gwen.who, ref(meeting));
    expect(polls(meeting.group)).toHaveLength(before);
  });

  it('goes on where a broken connection left it, without a gap and without a repeat', async () => {
    const meeting = await makeMeeting(acme, ada, [gwen]);
    await rekey(acme, meeting, ada);
    const first = await hear(globex.meetings, gwen, ref(meeting), 0);
    const last = await first.until(({ kind }) => kind === 'rekey');
    await first.close();
    const missed = [await rekey(acme, meeting, ada), await rekey(acme, meeting, ada)];
    const again = await hear(globex.meetings, gwen, ref(meeting), last.seq);
    const next = await rekey(acme, meeting, ada);
    await again.until(({ seq }) => seq === next.seq);
    expect(rekeys(again).map(({ seq }) => seq)).toEqual([...missed, next].map(({ seq }) => seq));
  });

  it('goes on after either bridge was restarted', async () => {
    const meeting = await makeMeeting(acme, ada, [gwen]);
    await rekey(acme, meeting, ada);
    const before = await hear(globex.meetings, gwen, ref(meeting), 0);
    const last = await before.until(({ kind }) => kind === 'rekey');
    await acme.restart();
    const meanwhile = await rekey(acme, meeting, ada);
    await before.until(({ seq }) => seq === meanwhile.seq);
    await globex.restart();
    await before.ended;
    const again = await hear(globex.meetings, gwen, ref(meeting), last.seq);
    const next = await rekey(acme, meeting, ada);
    await again.until(({ seq }) => seq === next.seq);
    expect(rekeys(again).map(({ seq }) => seq)).toEqual([meanwhile.seq, next.seq]);
  });

  it('is taken up again once its bridge is reached again', async () => {
    const meeting = await makeMeeting(acme, ada, [gwen]);
    await rekey(acme, meeting, ada);
    const heard = await hear(globex.meetings, gwen, ref(meeting), 0);
    await heard.until(({ kind }) => kind === 'rekey');
    globex.reaches = false;
    await acme.restart();
    const missed = await rekey(acme, meeting, ada);
    globex.reaches = true;
    await heard.until(({ seq }) => seq === missed.seq);
  });

  it('ends for everybody when it ends, and nothing of it is kept', async () => {
    const meeting = await makeMeeting(acme, ada, [gwen]);
    await rekey(acme, meeting, ada);
    await enter(globex, acme, meeting, gwen);
    const there = await hear(globex.meetings, gwen, ref(meeting), 0);
    const here = await hear(acme.meetings, ada, ref(meeting), 0);
    await there.until(({ kind }) => kind === 'rekey');
    await acme.groups.endings.end(ada.who, meeting.group, contextOf(ada.who));
    for (const heard of [there, here]) {
      await heard.ended;
      expect(heard.kinds.at(-1)).toBe('ended');
    }
    const polls = () => globex.asked.filter(({ act }) => act === 'poll').length;
    const asked = polls();
    for (const table of ['meeting_messages', 'meeting_participants', 'meeting_places'] as const) {
      const rows = await acme.parts.database.read((query) =>
        query.selectFrom(table).selectAll().where('group_id', '=', meeting.group).execute(),
      );
      expect(rows.filter((row) => !('kind' in row && row.kind === 'ended'))).toEqual([]);
    }
    await expectCode(globex.meetings.stream(gwen.who, { ...ref(meeting), since: 0 }), 'group_ended');
    await expectCode(acme.meetings.stream(ada.who, { ...ref(meeting), since: 0 }), 'group_ended');
    // Its feed is still there, for whoever comes back in a moment.
    expect(polls()).toBe(asked);
  });
});

describe('what a partner’s bridge sees', () => {
  it('is placements of its own people’s devices, and nothing of who else is there', async () => {
    const meeting = await makeMeeting(acme, ada, [bob, gwen, hal]);
    await rekey(acme, meeting, ada);
    await enter(acme, acme, meeting, bob);
    await enter(globex, acme, meeting, gwen);
    const there = await hear(globex.meetings, gwen, ref(meeting), 0);
    const host = await hear(acme.meetings, ada, ref(meeting), 0);
    const placing = await rekey(acme, meeting, ada, { newcomers: [bob, gwen, hal] });
    await host.until(({ seq }) => seq === placing.seq);
    await acme.meetings.leave(bob.who, ref(meeting), contextOf(bob.who));
    const last = await rekey(acme, meeting, ada);
    await there.until(({ seq }) => seq === last.seq);
    await host.until(({ seq }) => seq === last.seq);
    const kinds = (heard: Heard) => heard.kinds.filter((kind) => kind !== 'group');
    expect(kinds(there)).toEqual(['rekey', 'rekey', 'placement', 'rekey']);
    expect(kinds(host)).toEqual(['rekey', 'presence', 'presence', 'rekey', 'left', 'rekey']);
  });

  it('is nothing of a meeting in which none of its people is', async () => {
    const meeting = await makeMeeting(acme, ada, [bob]);
    await rekey(acme, meeting, ada);
    for (const ask of [
      () => globex.meetings.state(gwen.who, ref(meeting)),
      () => globex.meetings.stream(gwen.who, { ...ref(meeting), since: 0 }),
      () => globex.meetings.members(gwen.who, ref(meeting)),
      () => globex.meetings.roster(gwen.who, { ...ref(meeting), devices: [bob.who.deviceId] }),
      () => enter(globex, acme, meeting, gwen),
    ]) {
      await expectCode(ask(), 'group_unknown');
    }
  });

  it('is nothing for a person of its who is not in it, beside one who is', async () => {
    const meeting = await makeMeeting(acme, ada, [gwen]);
    await rekey(acme, meeting, ada);
    await globex.meetings.stream(gwen.who, { ...ref(meeting), since: 0 });
    await expectCode(globex.meetings.stream(hal.who, { ...ref(meeting), since: 0 }), 'group_unknown');
    await expectCode(enter(globex, acme, meeting, hal), 'group_unknown');
  });
});

describe('somebody who comes by a durable group', () => {
  it('is let in by one that their own bridge keeps, until that bridge says otherwise', async () => {
    const team = await makeDurable(globex, gwen, [gwen, hal]);
    const meeting = await makeMeeting(acme, ada, []);
    await addMembers(acme, meeting, [team]);
    await rekey(acme, meeting, ada);
    await enter(globex, acme, meeting, hal);
    const heard = await hear(globex.meetings, hal, ref(meeting), 0);
    const host = await hear(acme.meetings, ada, ref(meeting), 0);
    await heard.until(({ kind }) => kind === 'rekey');
    await removeMember(globex, team, hal);
    await heard.ended;
    expect(JSON.parse((await host.until(({ kind }) => kind === 'left')).data)).toEqual({
      ...{ iss: globex.iss, sub: hal.who.sub, device_id: hal.who.deviceId, reason: 'revoked' },
    });
    await expectCode(globex.meetings.stream(hal.who, { ...ref(meeting), since: 0 }), 'group_unknown');
  });

  it('is let in by one at the meeting’s home, until they are excluded', async () => {
    const team = await makeDurable(acme, ada, [bob, gwen]);
    const meeting = await makeMeeting(acme, ada, []);
    await addMembers(acme, meeting, [team]);
    await rekey(acme, meeting, ada);
    await enter(globex, acme, meeting, gwen);
    await enter(acme, acme, meeting, bob);
    const there = await hear(globex.meetings, gwen, ref(meeting), 0);
    const here = await hear(acme.meetings, bob, ref(meeting), 0);
    await there.until(({ kind }) => kind === 'rekey');
    await exclude(acme, meeting, gwen);
    await there.ended;
    await expectCode(globex.meetings.state(gwen.who, ref(meeting)), 'group_excluded');
    await removeMember(acme, team, bob);
    await here.ended;
    await expectCode(acme.meetings.state(bob.who, ref(meeting)), 'group_unknown');
  });
});

describe('a restriction', () => {
  /** Everybody is in a meeting, and Ada hears of it as its host. */
  async function everybodyIn(people: readonly Enrolled[]) {
    const meeting = await makeMeeting(acme, ada, people);
    await rekey(acme, meeting, ada);
    const host = await hear(acme.meetings, ada, ref(meeting), 0);
    const heard: Heard[] = [];
    for (const person of people) {
      const at = person.offer.iss === acme.iss ? acme : globex;
      await enter(at, acme, meeting, person);
      heard.push(await hear(at.meetings, person, ref(meeting), 0));
    }
    for (const each of heard) await each.until(({ kind }) => kind === 'rekey');
    const left = async ({ who, offer }: Enrolled, reason: string) => {
      const message = await host.until(({ kind, data }) => kind === 'left' && data.includes(who.deviceId));
      const { sub, deviceId: device_id } = who;
      expect(JSON.parse(message.data)).toEqual({ iss: offer.iss, sub, device_id, reason });
    };
    return { meeting, host, heard, left };
  }

  it('of a device ends its streams here and at partners, and the host hears of it', async () => {
    const [eve, ian] = [await acme.addEnrolled('eve'), await globex.addEnrolled('ian')];
    const { meeting, heard, left } = await everybodyIn([eve, ian, hal]);
    await acme.lifecycle.removeDevice({ sub: eve.who.sub, deviceId: eve.who.deviceId }, ADMINISTRATOR);
    await globex.lifecycle.removeDevice({ sub: ian.who.sub, deviceId: ian.who.deviceId }, ADMINISTRATOR);
    await Promise.all([heard[0]?.ended, heard[1]?.ended]);
    await left(eve, 'revoked');
    await left(ian, 'revoked');
    for (const [at, person] of [
      [acme, eve],
      [globex, ian],
    ] as const) {
      await expectCode(at.meetings.stream(person.who, { ...ref(meeting), since: 0 }), 'device_not_endorsed');
      await expectCode(enter(at, acme, meeting, person), 'device_not_endorsed');
    }
    const { seq } = await rekey(acme, meeting, ada);
    await heard[2]?.until((told) => told.seq === seq);
  });

  it('of a person ends their streams here and at partners, and the host hears of it', async () => {
    const [eve, ian] = [await acme.addEnrolled('eva'), await globex.addEnrolled('ivo')];
    const { heard, left } = await everybodyIn([eve, ian]);
    await acme.lifecycle.closePerson(eve.who.sub, undefined, ADMINISTRATOR);
    await globex.lifecycle.resetPerson(ian.who.sub, undefined, ADMINISTRATOR);
    for (const each of heard) await each.ended;
    await left(eve, 'revoked');
    await left(ian, 'revoked');
  });

  it('of a member ends the streams of the person, and the host hears of it', async () => {
    const { meeting, heard, left } = await everybodyIn([bob, gwen, hal]);
    await removeMember(acme, meeting, bob);
    await removeMember(acme, meeting, gwen);
    await Promise.all([heard[0]?.ended, heard[1]?.ended]);
    await left(bob, 'revoked');
    await left(gwen, 'revoked');
    await heard[2]?.until(({ kind }) => kind === 'group');
    const { seq } = await rekey(acme, meeting, ada);
    await heard[2]?.until((told) => told.seq === seq);
  });

  it('of an admin whom the newest group key does not name any more ends their presence', async () => {
    const meeting = await makeMeeting(acme, ada, [], [ada, bob]);
    await rekey(acme, meeting, ada);
    const host = await hear(acme.meetings, ada, ref(meeting), 0);
    await enter(acme, acme, meeting, bob);
    const admins = meeting.claims.admins.filter(({ sub }) => sub === ada.who.sub);
    const token = await signGroupKey(ada.device.sig, nextGroupKey(meeting, { admins }));
    await acme.groups.keys.renew(ada.who, meeting.group, { token }, contextOf(ada.who));
    const message = await host.until(({ kind, data }) => kind === 'left' && data.includes(bob.who.deviceId));
    expect(JSON.parse(message.data)).toMatchObject({ sub: bob.who.sub, reason: 'revoked' });
  });

  it('of a member ends a stream of somebody who only listened', async () => {
    const meeting = await makeMeeting(acme, ada, [bob, gwen, hal]);
    await rekey(acme, meeting, ada);
    const here = await hear(acme.meetings, bob, ref(meeting), 0);
    // It is for the first who listens there that their bridge asks.
    const other = await hear(globex.meetings, hal, ref(meeting), 0);
    await other.until(({ kind }) => kind === 'rekey');
    const there = await hear(globex.meetings, gwen, ref(meeting), 0);
    for (const heard of [here, there]) await heard.until(({ kind }) => kind === 'rekey');
    await removeMember(acme, meeting, bob);
    await removeMember(acme, meeting, gwen);
    await Promise.all([here.ended, there.ended]);
    const { seq } = await rekey(acme, meeting, ada);
    await other.until((told) => told.seq === seq);
    expect(rekeys(here)).toHaveLength(1);
    expect(rekeys(there)).toHaveLength(1);
  });

  it('of a token ends the stream that it opened', async () => {
    const { heard } = await everybodyIn([bob]);
    acme.revoked.add(bob.who.accessTokenHash);
    await acme.parts.events.record({
      type: 'token.revoked',
      actor: { kind: 'system' },
      subject: { sub: bob.who.sub },
      outcome: 'success',
      data: {},
    });
    await heard[0]?.ended;
    acme.revoked.delete(bob.who.accessTokenHash);
  });

  it('of a partner ends its people’s streams and their bridge’s questions, until it is approved again', async () => {
    const { meeting, heard, left } = await everybodyIn([gwen]);
    await acme.partners.suspend(globex.iss, 'on suspicion', ADMINISTRATOR);
    await left(gwen, 'gone');
    await heard[0]?.ended;
    expect(rekeys(heard[0] as Heard)).toHaveLength(1);
    await rekey(acme, meeting, ada);
    await expect(globex.meetings.state(gwen.who, ref(meeting))).rejects.toMatchObject({
      code: 'partner_refuses',
    });
    const approval = {
      entityId: globex.iss,
      rootThumbprint: globex.parts.root.kid,
      domains: [globex.domain],
    };
    await acme.partners.approve(approval, ADMINISTRATOR);
    await globex.meetings.state(gwen.who, ref(meeting));
  });

  it('that happened while the bridge was down is made up for at its start', async () => {
    const eve = await acme.addEnrolled('eve-down');
    const { meeting } = await everybodyIn([eve]);
    await acme.served.meetings.stop();
    await acme.lifecycle.removeDevice({ sub: eve.who.sub, deviceId: eve.who.deviceId }, ADMINISTRATOR);
    await acme.parts.eventsSoFar();
    await acme.restart();
    const again = await hear(acme.meetings, ada, ref(meeting), 0);
    const message = await again.until(({ kind }) => kind === 'left');
    expect(JSON.parse(message.data)).toMatchObject({ device_id: eve.who.deviceId, reason: 'revoked' });
  });

  it('reaches the home once it is there again', async () => {
    const ian = await globex.addEnrolled('ian-away');
    const { left, heard } = await everybodyIn([ian]);
    globex.reaches = false;
    await globex.lifecycle.removeDevice({ sub: ian.who.sub, deviceId: ian.who.deviceId }, ADMINISTRATOR);
    await heard[0]?.ended;
    globex.reaches = true;
    await left(ian, 'revoked');
  });
});

describe('a presence proof', () => {
  it('counts only for the device that brings it: a relayed one is refused', async () => {
    const meeting = await makeMeeting(acme, ada, [bob, gwen, hal]);
    await rekey(acme, meeting, ada);
    const ofBob = await presence(acme, meeting, bob);
    await expectCode(acme.meetings.present(ada.who, ofBob, contextOf(ada.who)), 'presence_mismatch');
    const ofGwen = await presence(acme, meeting, gwen);
    await expectCode(globex.meetings.present(hal.who, ofGwen, contextOf(hal.who)), 'presence_mismatch');
    await expectCode(acme.meetings.present(bob.who, ofGwen, contextOf(bob.who)), 'presence_mismatch');
  });

  it('is refused for another meeting, challenge, epoch or audience, here and from a partner', async () => {
    const meeting = await makeMeeting(acme, ada, [bob, gwen]);
    const other = await makeMeeting(acme, ada, [bob, gwen]);
    await rekey(acme, meeting, ada);
    await rekey(acme, other, ada);
    for (const [at, person] of [
      [acme, bob],
      [globex, gwen],
    ] as const) {
      const tried = async (changes: Parameters<typeof presence>[3]) => {
        const upload = await presence(acme, meeting, person, changes);
        return at.meetings.present(person.who, upload, contextOf(person.who));
      };
      await expectCode(tried({ meeting: other.group }), 'presence_mismatch');
      await expectCode(tried({ challenge: other.challenge }), 'presence_mismatch');
      await expectCode(tried({ epoch: 7 }), 'presence_mismatch');
      await expectCode(tried({ aud: globex.iss }), 'jws_audience');
    }
  });

  it('is refused from a partner that speaks for a device with no evidence of it', async () => {
    const meeting = await makeMeeting(acme, ada, [gwen, hal]);
    await rekey(acme, meeting, ada);
    const upload = await presence(acme, meeting, gwen);
    const { iss: _iss, group, ...evidence } = upload;
    const said = { act: 'present', group, sub: hal.who.sub, via: [], device_id: gwen.who.deviceId, evidence };
    const post = (claims: object) => askAsGlobex(claims);
    expect(await post(said)).toBe('presence_mismatch');
    expect(await post({ ...said, sub: gwen.who.sub, device_id: hal.who.deviceId })).toBe('presence_mismatch');
    const ofAda = await presence(acme, meeting, ada);
    const { iss: _home, group: _of, ...foreign } = ofAda;
    const swapped = { ...said, sub: gwen.who.sub, evidence: { ...evidence, credential: foreign.credential } };
    expect(await post(swapped)).not.toBe('answered');
    expect(await post({ ...said, sub: gwen.who.sub })).toBe('answered');
  });

  /** What Acme answers to a request that Globex's bridge signs, whatever its own code would ask. */
  async function askAsGlobex(claims: object): Promise<string> {
    const seconds = Math.floor(globex.parts.clock.now() / 1000);
    const token = await globex.parts.signer.sign('federation', 'meeting-request+jwt', {
      ...(claims as Record<string, never>),
      ...{ iss: globex.iss, aud: acme.iss, jti: crypto.randomUUID(), iat: seconds, exp: seconds + 60 },
    });
    try {
      await acme.meetings.answerPartner(token, ADMINISTRATOR);
      return 'answered';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  it('of an epoch whose challenge the host has forgotten is refused', async () => {
    const meeting = await makeMeeting(acme, ada, [bob]);
    await rekey(acme, meeting, ada);
    const upload = await presence(acme, meeting, bob);
    const goOnTo = (epoch: number) =>
      acme.parts.database.transaction((tx) =>
        tx.updateTable('meetings').set({ epoch }).where('group_id', '=', meeting.group).execute(),
      );
    await goOnTo(1 + CHALLENGES_KEPT);
    await expectCode(acme.meetings.present(bob.who, upload, contextOf(bob.who)), 'presence_mismatch');
    await goOnTo(CHALLENGES_KEPT);
    await acme.meetings.present(bob.who, upload, contextOf(bob.who));
  });

  it('of an earlier epoch is taken while the host takes its challenge, and none after a take-over', async () => {
    const meeting = await makeMeeting(acme, ada, [bob, gwen], [ada, bob]);
    await rekey(acme, meeting, ada);
    const early = await presence(acme, meeting, gwen);
    await rekey(acme, meeting, ada);
    await globex.meetings.present(gwen.who, early, contextOf(gwen.who));
    meeting.term += 1;
    await rekey(acme, meeting, bob);
    await expectCode(globex.meetings.present(gwen.who, early, contextOf(gwen.who)), 'presence_mismatch');
  });
});

describe('two processes of one bridge', () => {
  it('tell what either of them was sent, in one order', async () => {
    const meeting = await makeMeeting(acme, ada, [bob, gwen]);
    const second: Meetings = await acme.replica();
    await rekey(acme, meeting, ada);
    const here = await hear(acme.meetings, bob, ref(meeting), 0);
    const there = await hear(second, bob, ref(meeting), 0);
    const abroad = await hear(globex.meetings, gwen, ref(meeting), 0);
    const sent: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      const at = count % 2 === 0 ? second : acme.meetings;
      sent.push((await rekey(acme, meeting, ada, {}, at)).seq);
    }
    for (const heard of [here, there, abroad]) {
      await heard.until(({ seq }) => seq === sent.at(-1));
      expect(
        rekeys(heard)
          .map(({ seq }) => seq)
          .slice(1),
      ).toEqual(sent);
    }
  });

  it('tell it also when neither hears of the other: the store is the truth', async () => {
    const meeting = await makeMeeting(acme, ada, [bob]);
    const second = await acme.replica({ unheard: true });
    await rekey(acme, meeting, ada);
    const there = await hear(second, bob, ref(meeting), 0);
    await there.until(({ kind }) => kind === 'rekey');
    const { seq } = await rekey(acme, meeting, ada);
    await there.until((told) => told.seq === seq);
  });

  it('end the streams of whom the other one restricted', async () => {
    const eve = await acme.addEnrolled('eve-replica');
    const meeting = await makeMeeting(acme, ada, [eve, bob]);
    const second = await acme.replica();
    await rekey(acme, meeting, ada);
    const heard = await hear(second, eve, ref(meeting), 0);
    const stays = await hear(second, bob, ref(meeting), 0);
    await heard.until(({ kind }) => kind === 'rekey');
    await removeMember(acme, meeting, eve);
    await heard.ended;
    const { seq } = await rekey(acme, meeting, ada);
    await stays.until((told) => told.seq === seq);
    // Both look, and one of them tells. That members were added before may be told besides.
    const told = await acme.parts.database.read((query) =>
      query
        .selectFrom('meeting_messages')
        .select('body')
        .where('group_id', '=', meeting.group)
        .where('kind', '=', 'group')
        .execute(),
    );
    expect(told.filter(({ body }) => body === groupBody(true))).toHaveLength(1);
  });
});
