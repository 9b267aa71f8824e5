import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findPartner } from '../../bridge/federation/partner-store.ts';
import { MEETING_PRESENCES_PER_MINUTE } from '../../bridge/lib/limits.ts';
import { partnerEndorsement } from '../../bridge/meetings/presence-evidence.ts';
import { createRenewPresence } from '../../bridge/meetings/presence-renewals.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { deviceEndorsementSchema } from '../../protocol/device.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { endOfEvidence } from '../../protocol/groups/signer-evidence.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { RosterParticipant } from '../../protocol/meetings/api.ts';
import { PRESENCE_LIFE } from '../../protocol/presence.ts';
import { type PresenceRenewal, signPresenceRenewal } from '../../protocol/presence-renewal.ts';
import { expectCode } from '../binding/expect-code.ts';
import { Interruption } from '../binding/interruption.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import {
  ADMINISTRATOR,
  type MeetingBridge,
  type TwoMeetingBridges,
  twoMeetingBridges,
} from './meeting-bridges.ts';
import {
  hostedMeeting,
  type MadeMeeting,
  now,
  presence,
  rekey,
  removeDevice,
  removeMember,
} from './meeting-side.ts';

/** Bindings live a day, and are made anew after half of it. */
const HALF_A_DAY = 12 * 3600 + 60;
const A_DAY = 24 * 3600;
const A_WEEK = 7 * A_DAY;

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

  it.each([
    ['the meeting’s own company', () => [acme, bob, proofs.bob] as const],
    ['another company', () => [globex, gwen, proofs.gwen] as const],
  ])('rests on what its answer says, where it comes twice, of a device of %s', async (_whose, who) => {
    const [at, person, proof] = who();
    const end = await send(at, person, await renewalOf(person, proof));
    advance(end - A_DAY / 2 - 60 - now(acme));
    const renewal = await renewalOf(person, proof);
    expect(await send(at, person, renewal)).toBe(end);
    // Half of the time of what it rests on is over: it is made anew.
    advance(120);
    const later = await send(at, person, renewal);
    expect(later).toBeGreaterThan(end);
    const shown = await shownOf(person);
    expect(shown && endOfEvidence(shown)).toBe(later);
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

  it('for an epoch of an earlier host', async () => {
    const renewal = await renewalOf(bob, proofs.bob);
    meeting.term += 1;
    await rekey(acme, meeting, ada, { changes: { term: meeting.term } });
    await expectCode(send(acme, bob, renewal), 'presence_mismatch');
  });

  it('where a device brings too many, with its proofs', async () => {
    const renewal = await renewalOf(bob, proofs.bob);
    for (let count = 1; count < MEETING_PRESENCES_PER_MINUTE; count += 1) await send(acme, bob, renewal);
    await expectCode(send(acme, bob, renewal), 'rate_limited');
  });

  it('where a device brings too many for a meeting elsewhere, by its own bridge, which asks no more', async () => {
    const renewal = await renewalOf(gwen, proofs.gwen);
    globex.reaches = false;
    try {
      for (let count = 1; count < MEETING_PRESENCES_PER_MINUTE; count += 1) {
        await expectCode(send(globex, gwen, renewal), 'partner_unreachable');
      }
      await expectCode(send(globex, gwen, renewal), 'rate_limited');
    } finally {
      globex.reaches = true;
    }
  });
});

describe('between what was verified of a renewal and what is stored', () => {
  /** Somebody's renewal at the bridge that keeps the meeting, as it takes one of its own or of a partner. */
  async function renewWhile(person: Enrolled, proof: string, meanwhile: () => Promise<unknown>) {
    const { parts, iss } = acme;
    const { clock } = parts;
    const interruption = new Interruption();
    const renew = createRenewPresence({
      ...{ iss, clock, cache: new MemoryCache({ clock }) },
      database: interruption.of(parts.database),
    });
    const { address, credential, device_binding } = await presence(acme, meeting, person);
    const { offer, who, confirmation } = person;
    interruption.beforeNextTransaction(meanwhile);
    await renew({
      group: meeting.group,
      device: { iss: offer.iss, sub: who.sub, deviceId: who.deviceId, via: [] },
      evidence: { address, credential, device_binding, renewal: await renewalOf(person, proof) },
      endorsement: decodeClaims(confirmation.endorsement, 'device-endorsement+jwt', deviceEndorsementSchema),
      permit: ({ role }) => {
        if (role === 'none') throw new CountersignError('group_unknown');
      },
    });
  }

  it('nobody is kept who has left', async () => {
    const at = { iss: acme.iss, group: meeting.group };
    const leave = () => acme.meetings.leave(bob.who, at, contextOf(bob.who));
    await expectCode(renewWhile(bob, proofs.bob, leave), 'conflict');
    expect(await shownOf(bob)).toBeUndefined();
  });

  it('nobody is kept who was removed', async () => {
    await expectCode(
      renewWhile(bob, proofs.bob, () => removeMember(acme, meeting, bob)),
      'group_unknown',
    );
  });

  it('no device is kept that was removed', async () => {
    const fay = await acme.addEnrolled('fay');
    meeting = await hostedMeeting(acme, ada, [fay]);
    const proof = await come(acme, fay);
    await expectCode(
      renewWhile(fay, proof, () => removeDevice(acme, fay)),
      'device_not_endorsed',
    );
  });

  it('nobody is kept whose company was suspended', async () => {
    const { domain, iss: entityId, parts } = globex;
    const suspend = () => acme.partners.suspend(entityId, 'a test', ADMINISTRATOR);
    try {
      await expectCode(renewWhile(gwen, proofs.gwen, suspend), 'device_not_endorsed');
    } finally {
      const approval = { entityId, rootThumbprint: parts.root.kid, domains: [domain] };
      await acme.partners.approve(approval, ADMINISTRATOR);
    }
  });

  it('nothing newer is overwritten', async () => {
    let newer = '';
    const another = async () => {
      newer = await renewalOf(bob, proofs.bob, { iat: now(acme) + 1 });
      await send(acme, bob, newer);
    };
    await expectCode(renewWhile(bob, proofs.bob, another), 'conflict');
    expect(await shownOf(bob)).toMatchObject({ renewal: newer });
  });
});

describe('what a partner shows of a device', () => {
  it('is verified: not another person’s device, and nothing that is over', async () => {
    const partner = await acme.parts.database.read((query) => findPartner(query, globex.iss));
    if (partner === undefined) throw new Error('the partner is approved');
    const [hal, ines] = [await globex.addEnrolled('hal'), await globex.addEnrolled('ines')];
    const hals = await presence(acme, meeting, hal);
    const { device_binding } = await presence(acme, meeting, ines);
    const mixed = { ...hals, device_binding };
    await expectCode(partnerEndorsement(partner, mixed, now(acme)), 'endorsement_mismatch');
    await expectCode(partnerEndorsement(partner, hals, now(acme) + 2 * A_DAY), 'jws_expired');
    const endorsement = await partnerEndorsement(partner, hals, now(acme));
    expect(endorsement.device_id).toBe(hal.who.deviceId);
  });
});
