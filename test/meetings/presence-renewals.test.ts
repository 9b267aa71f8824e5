import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MEETING_PRESENCES_PER_MINUTE } from '../../bridge/lib/limits.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { RosterParticipant } from '../../protocol/meetings/api.ts';
import { PRESENCE_LIFE } from '../../protocol/presence.ts';
import { type PresenceRenewal, signPresenceRenewal } from '../../protocol/presence-renewal.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import { hostedMeeting, type MadeMeeting, now, presence, rekey, removeMember } from './meeting-side.ts';

/** Bindings live a day, and are made anew after half of it. */
const HALF_A_DAY = 12 * 3600 + 60;
const A_WEEK = 7 * 24 * 3600;

let bridges: TwoMeetingBridges;
let acme: MeetingBridge;
let globex: MeetingBridge;
let ada: Enrolled;
let bob: Enrolled;
let gwen: Enrolled;
let meeting: MadeMeeting;
/** The proofs with which Bob, of Acme, and Gwen, of Globex, came. */
let proofs: { bob: string; gwen: string };

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme, globex } = bridges);
  [ada, bob, gwen] = [
    await acme.addEnrolled('ada'),
    await acme.addEnrolled('bob'),
    await globex.addEnrolled('gwen'),
  ];
});
beforeEach(async () => {
  meeting = await hostedMeeting(acme, ada, [bob, gwen], A_WEEK);
  proofs = { bob: await come(acme, bob), gwen: await come(globex, gwen) };
});
afterAll(() => bridges?.close());

async function come(at: MeetingBridge, person: Enrolled): Promise<string> {
  const upload = await presence(acme, meeting, person);
  await at.meetings.present(person.who, upload, contextOf(person.who));
  return upload.proof;
}

function renewalOf(
  { offer, who, device }: Enrolled,
  proof: string,
  changes: Partial<PresenceRenewal> = {},
): Promise<string> {
  const iat = now(acme);
  return signPresenceRenewal(device.sig, {
    ...{ iss: offer.iss, sub: who.sub, device_id: who.deviceId, aud: acme.iss, meeting: meeting.group },
    ...{ presence: sha256Base64url(proof), epoch: meeting.epoch, challenge: meeting.challenge },
    ...{ iat, exp: iat + PRESENCE_LIFE },
    ...changes,
  });
}

const send = (at: MeetingBridge, { who }: Enrolled, renewal: string) =>
  at.meetings.renew(who, { iss: acme.iss, group: meeting.group, renewal });

/** Both clocks: companies have one time. */
function advance(seconds: number): void {
  for (const { parts } of [acme, globex]) parts.clock.advance(seconds);
}

async function shownOf({ who }: Enrolled): Promise<RosterParticipant | undefined> {
  const asked = { iss: acme.iss, group: meeting.group, devices: [who.deviceId] };
  return (await acme.meetings.roster(ada.who, asked)).participants[0];
}

const headOfRelay = async () =>
  (await acme.meetings.state(ada.who, { iss: acme.iss, group: meeting.group })).seq;

describe('a presence that is renewed', () => {
  it.each([
    ['the meeting’s own company', () => [acme, bob, proofs.bob] as const],
    ['another company', () => [globex, gwen, proofs.gwen] as const],
  ])('rests on evidence of now, of a device of %s: nothing else of it changes', async (_whose, who) => {
    const [at, person, proof] = who();
    const before = await shownOf(person);
    const head = await headOfRelay();
    advance(HALF_A_DAY);
    const renewal = await renewalOf(person, proof);
    expect(await send(at, person, renewal)).toBe(now(acme) + 24 * 3600);
    const after = await shownOf(person);
    expect(after).toMatchObject({ proof, renewal });
    expect(after?.credential.binding).not.toBe(before?.credential.binding);
    expect(after?.device_binding).not.toBe(before?.device_binding);
    // Nobody is told of it: no message, no place.
    expect(await headOfRelay()).toBe(head);
  });

  it('is answered the same when the same renewal comes twice', async () => {
    const renewal = await renewalOf(bob, proofs.bob);
    const expires = await send(acme, bob, renewal);
    expect(await send(acme, bob, renewal)).toBe(expires);
  });

  it('goes on in another term', async () => {
    meeting.term += 1;
    await rekey(acme, meeting, ada, { changes: { term: meeting.term } });
    await send(acme, bob, await renewalOf(bob, proofs.bob));
  });
});

describe('a renewal is refused', () => {
  it.each([
    ['of somebody who has left', 'left'],
    ['of somebody who was removed', 'removed'],
  ])('%s: nobody comes back by it', async (_who, how) => {
    if (how === 'left') {
      const at = { iss: acme.iss, group: meeting.group };
      await globex.meetings.leave(gwen.who, at, contextOf(gwen.who));
    } else await removeMember(acme, meeting, gwen);
    const code = how === 'left' ? 'presence_mismatch' : 'group_unknown';
    await expectCode(send(globex, gwen, await renewalOf(gwen, proofs.gwen)), code);
  });

  it('of a device that was removed', async () => {
    const eve = await acme.addEnrolled('eve');
    meeting = await hostedMeeting(acme, ada, [eve]);
    const proof = await come(acme, eve);
    const renewal = await renewalOf(eve, proof);
    await acme.lifecycle.removeDevice({ sub: eve.who.sub, deviceId: eve.who.deviceId }, contextOf(ada.who));
    await expectCode(send(acme, eve, renewal), 'device_not_endorsed');
  });

  it('that another device brings: a relayed one', async () => {
    const renewal = await renewalOf(bob, proofs.bob);
    await expectCode(send(acme, ada, renewal), 'presence_mismatch');
    const gwens = await renewalOf(gwen, proofs.gwen);
    await expectCode(send(acme, bob, gwens), 'presence_mismatch');
  });

  it('that is older than the newest: a replayed one', async () => {
    const first = await renewalOf(bob, proofs.bob);
    await send(acme, bob, first);
    advance(10);
    await send(acme, bob, await renewalOf(bob, proofs.bob));
    await expectCode(send(acme, bob, first), 'replayed');
    advance(PRESENCE_LIFE + 60);
    await expectCode(send(acme, bob, first), 'jws_expired');
  });

  it.each([
    ['of another proof than the one that stands there', { presence: sha256Base64url('another') }],
    ['for a challenge that is not the host’s', { challenge: sha256Base64url('guess') }],
    ['for an epoch that is not yet', { epoch: 99 }],
    ['for another meeting', { meeting: sha256Base64url('another meeting') }],
  ])('%s', async (_what, changes) => {
    for (const [at, person, proof] of [
      [acme, bob, proofs.bob],
      [globex, gwen, proofs.gwen],
    ] as const) {
      const renewal = await renewalOf(person, proof, changes);
      await expectCode(send(at, person, renewal), 'presence_mismatch');
      expect(await shownOf(person)).not.toHaveProperty('renewal');
    }
  });

  it('where a device brings too many, with its proofs', async () => {
    const renewal = await renewalOf(bob, proofs.bob);
    for (let count = 1; count < MEETING_PRESENCES_PER_MINUTE; count += 1) await send(acme, bob, renewal);
    await expectCode(send(acme, bob, renewal), 'rate_limited');
  });
});
