import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteDevice } from '../../bridge/directory/devices.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import type { Party } from '../../protocol/groups/party.ts';
import { expectCode } from '../binding/expect-code.ts';
import { revoke } from '../binding/revoke.ts';
import { contextOf, type Enrolled, enrol } from '../fakes/client-side.ts';
import {
  addMembers,
  exclusion,
  type MadeGroup,
  memberOf,
  memberOfGroup,
  removals,
} from '../fakes/group-side.ts';
import { rotatable, rotate } from '../rotation/rotating.ts';
import { depositKey, makeGroupOf, open, receive, recipientGroup, type Sealed } from './sealing.ts';
import { ADMINISTRATOR, type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
let ada: Enrolled;
let count = 0;
/** Fresh for each test: they are restricted. */
let bob: Enrolled;
let gwen: Enrolled;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  ada = await acme.addEnrolled('ada');
});

beforeEach(async () => {
  count += 1;
  bob = await acme.addEnrolled(`bob${count}`);
  gwen = await globex.addEnrolled(`gwen${count}`);
});

afterAll(() => bridges.close());

async function exclude(group: MadeGroup, { offer, who }: Enrolled): Promise<void> {
  const member = { iss: offer.iss, sub: who.sub };
  const body = { tokens: [await exclusion(group, member)] };
  await acme.groups.members.exclude(ada.who, group.group, body, contextOf(ada.who));
}

async function remove(bridge: OpeningBridge, group: MadeGroup, member: Enrolled | MadeGroup): Promise<void> {
  const named = 'group' in member ? memberOfGroup(member) : memberOf(member);
  const { who } = group.creator;
  const body = await removals(group, [named.member]);
  await bridge.groups.members.change(who, group.group, body, contextOf(who));
}

async function sealedTo(group: MadeGroup): Promise<{ to: Party; keyId: string; sealed: Sealed }> {
  const sealed = await depositKey(acme, ada, recipientGroup(group));
  return { to: sealed.to, keyId: sealed.keyId, sealed };
}

/** What was reported of a key: type, and code. */
async function reported(bridge: OpeningBridge, keyId: string): Promise<string[]> {
  const events = await bridge.parts.eventsSoFar();
  return events
    .filter(({ type, data }) => type.startsWith('key.open') && data.key_id === keyId)
    .map(({ type, code }) => (code === null ? type : `${type} ${code}`));
}

describe('at home', () => {
  it('who was never a member finds no group', async () => {
    const { to, keyId } = await sealedTo(await makeGroupOf(acme, ada, []));
    await expectCode(open(acme, bob, to, keyId), 'group_unknown');
    await expectCode(open(globex, gwen, to, keyId), 'group_unknown');
    expect(await reported(acme, keyId)).toEqual(['key.opening_refused group_unknown']);
  });

  it('a removed member opens nothing any more', async () => {
    const group = await makeGroupOf(acme, ada, [bob, gwen]);
    const { to, keyId } = await sealedTo(group);
    for (const person of [bob, gwen]) await remove(acme, group, person);
    await expectCode(open(acme, bob, to, keyId), 'group_unknown');
    await expectCode(open(globex, gwen, to, keyId), 'group_unknown');
  });

  it('whoever is in by a durable group that was removed opens nothing any more', async () => {
    const durable = await makeGroupOf(globex, gwen, [gwen]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const { to, keyId } = await sealedTo(meeting);
    await open(globex, gwen, to, keyId);
    await remove(acme, meeting, durable);
    await expectCode(open(globex, gwen, to, keyId), 'group_unknown');
  });

  it('what was transformed to a durable group is of no use to it when it was removed and added again', async () => {
    const durable = await makeGroupOf(globex, gwen, [gwen]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const { to, keyId } = await sealedTo(meeting);
    await open(globex, gwen, to, keyId);
    await remove(acme, meeting, durable);
    await addMembers(acme, meeting, [durable]);
    const before = acme.transformsRun();
    await open(globex, gwen, to, keyId);
    expect(acme.transformsRun()).toBe(before + 1);
  });

  it('who is excluded opens nothing, however they came in', async () => {
    const durable = await makeGroupOf(globex, gwen, [gwen]);
    const meeting = await makeGroupOf(acme, ada, [bob, durable], 'meeting');
    const { to, keyId } = await sealedTo(meeting);
    for (const person of [bob, gwen]) await exclude(meeting, person);
    await expectCode(open(acme, bob, to, keyId), 'group_excluded');
    await expectCode(open(globex, gwen, to, keyId), 'group_excluded');
    expect(await reported(acme, keyId)).toEqual(['key.opening_refused group_excluded']);
  });

  it('an exclusion from the durable group is one from what it is in', async () => {
    const durable = await makeGroupOf(acme, ada, [bob]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const { to, keyId } = await sealedTo(meeting);
    await exclude(durable, bob);
    await expectCode(open(acme, bob, to, keyId), 'group_unknown');
  });

  it('a meeting that has ended, or whose time is over, gives out no key', async () => {
    const meeting = await makeGroupOf(acme, ada, [bob, gwen], 'meeting');
    const { to, keyId } = await sealedTo(meeting);
    // Its end is in an hour. Nobody has noticed yet that it is over.
    acme.parts.clock.advance(3600);
    await expectCode(open(acme, bob, to, keyId), 'group_ended');
    acme.parts.clock.advance(-3600);
    await open(acme, bob, to, keyId);
    await end(meeting);
    await expectCode(open(acme, bob, to, keyId), 'group_ended');
    await expectCode(open(globex, gwen, to, keyId), 'group_ended');
  });

  it('a key that nobody sealed is not there', async () => {
    const group = await makeGroupOf(acme, ada, [bob, gwen]);
    const to = { iss: acme.iss, group: group.group };
    await expectCode(open(acme, bob, to, 'another-key'), 'sealed_key_unknown');
    await expectCode(open(globex, gwen, to, 'another-key'), 'sealed_key_unknown');
  });

  it('a suspended partner gets nothing, and neither does our person of a suspended partner', async () => {
    const { to, keyId } = await sealedTo(await makeGroupOf(acme, ada, [gwen]));
    await acme.partners.suspend(globex.iss, 'a test', ADMINISTRATOR);
    await expect(open(globex, gwen, to, keyId)).rejects.toMatchObject({
      code: 'partner_refuses',
      detail: 'It answers with status 403 (partner_suspended).',
    });
    await acme.partners.approve(approvalOf(globex), ADMINISTRATOR);
    await globex.partners.suspend(acme.iss, 'a test', ADMINISTRATOR);
    await expectCode(open(globex, gwen, to, keyId), 'partner_suspended');
    await globex.partners.approve(approvalOf(acme), ADMINISTRATOR);
    await open(globex, gwen, to, keyId);
  });
});

const approvalOf = ({ iss, parts, domain }: OpeningBridge) => ({
  ...{ entityId: iss, rootThumbprint: parts.root.kid, domains: [domain] },
});

describe('a restriction while the transform is under way at home', () => {
  it.each([
    ['the device is removed', 'device_not_endorsed', () => removeDevice(acme, bob)],
    ['the person is restricted', 'conflict', () => restrict(acme, bob)],
    ['the person is closed', 'person_closed', () => revoke(acme.parts, addressOf(bob), 'closed')],
    ['the member is removed', 'group_unknown', (group: MadeGroup) => remove(acme, group, bob)],
    ['the member is removed and added again', 'conflict', (group: MadeGroup) => renewMember(group, bob)],
    ['the member is excluded', 'group_excluded', (group: MadeGroup) => exclude(group, bob)],
    ['the meeting ends', 'group_ended', (group: MadeGroup) => end(group)],
  ] as const)('has the result discarded: %s', async (_what, code, restriction) => {
    const meeting = await makeGroupOf(acme, ada, [bob], 'meeting');
    const { to, keyId } = await sealedTo(meeting);
    acme.afterTransform = () => restriction(meeting);
    const before = acme.transformsRun();
    await expectCode(open(acme, bob, to, keyId), code);
    expect(acme.transformsRun()).toBe(before + 1);
    expect(await reported(acme, keyId)).toEqual([]);
  });

  it.each([
    ['the member is removed', 'group_unknown', (group: MadeGroup) => remove(acme, group, gwen)],
    ['the member is removed and added again', 'conflict', (group: MadeGroup) => renewMember(group, gwen)],
    ['the member is excluded', 'group_excluded', (group: MadeGroup) => exclude(group, gwen)],
    ['the meeting ends', 'group_ended', (group: MadeGroup) => end(group)],
  ] as const)('has the partner answered nothing: %s', async (_what, code, restriction) => {
    const meeting = await makeGroupOf(acme, ada, [gwen], 'meeting');
    const { to, keyId } = await sealedTo(meeting);
    acme.afterTransform = () => restriction(meeting);
    const before = globex.transformsRun();
    await expectCode(open(globex, gwen, to, keyId), code);
    expect(globex.transformsRun()).toBe(before);
    expect(await reported(acme, keyId)).toEqual([`key.opening_refused ${code}`]);
  });

  it('has the partner answered nothing: it is suspended', async () => {
    const { to, keyId } = await sealedTo(await makeGroupOf(acme, ada, [gwen]));
    acme.afterTransform = () => acme.partners.suspend(globex.iss, 'a test', ADMINISTRATOR);
    await expectCode(open(globex, gwen, to, keyId), 'partner_refuses');
    expect(await reported(acme, keyId)).toEqual(['key.opening_refused partner_suspended']);
    await acme.partners.approve(approvalOf(globex), ADMINISTRATOR);
  });
});

describe('a restriction at the participant’s bridge', () => {
  const restrictions = [
    ['the device is removed', 'device_not_endorsed', () => removeDevice(globex, gwen)],
    ['the person is restricted', 'conflict', () => restrict(globex, gwen)],
    ['the person is closed', 'person_closed', () => revoke(globex.parts, addressOf(gwen), 'closed')],
    [
      'its durable group removes them',
      'group_unknown',
      (durable: MadeGroup) => remove(globex, durable, gwen),
    ],
  ] as const;

  /** Gwen is in a durable group of Globex, and with it in a meeting at Acme. */
  async function meetingByDurable() {
    const hal = await globex.addEnrolled(`hal${count}`);
    const durable = await makeGroupOf(globex, hal, [gwen]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    return { durable, ...(await sealedTo(meeting)) };
  }

  it.each(restrictions)(
    'while home is asked has its answer discarded: %s',
    async (_what, code, restriction) => {
      const { durable, to, keyId } = await meetingByDurable();
      globex.lie = async (_request, honest) => {
        await restriction(durable);
        return honest();
      };
      await expectCode(open(globex, gwen, to, keyId), code);
      globex.lie = undefined;
      expect(await reported(globex, keyId)).toEqual([]);
    },
  );

  it.each(restrictions)(
    'while it transforms has the result discarded: %s',
    async (_what, code, restriction) => {
      const { durable, to, keyId } = await meetingByDurable();
      globex.afterTransform = () => restriction(durable);
      await expectCode(open(globex, gwen, to, keyId), code);
      expect(await reported(globex, keyId)).toEqual([]);
    },
  );

  it('while it transforms has the result discarded: home is suspended', async () => {
    const { to, keyId } = await meetingByDurable();
    globex.afterTransform = () => globex.partners.suspend(acme.iss, 'a test', ADMINISTRATOR);
    await expectCode(open(globex, gwen, to, keyId), 'partner_suspended');
    await globex.partners.approve(approvalOf(acme), ADMINISTRATOR);
  });
});

describe('keys that were replaced', () => {
  it('by a reset leave the membership stale until an admin adds the person anew', async () => {
    const group = await makeGroupOf(acme, ada, [bob, gwen]);
    const { to, keyId, sealed } = await sealedTo(group);
    for (const [bridge, person] of [[acme, bob] as const, [globex, gwen] as const]) {
      await revoke(bridge.parts, addressOf(person), 'reset');
      const again = await enrol(bridge.parts, person.who.sub);
      await expectCode(open(bridge, again, to, keyId), 'membership_stale');
      await addMembers(acme, group, [again]);
      const opening = await open(bridge, again, to, keyId);
      expect(await receive(opening, again, { to, keyId, sealerBridge: acme })).toEqual(sealed.plaintext);
    }
  });

  it('by a reset do not stand in the way of another membership that leads to the new ones', async () => {
    const desk = await makeGroupOf(acme, ada, [gwen]);
    const shelf = await makeGroupOf(globex, gwen, [gwen]);
    const [deskMeeting, shelfMeeting] = [
      await makeGroupOf(acme, ada, [gwen, desk], 'meeting'),
      await makeGroupOf(acme, ada, [gwen, shelf], 'meeting'),
    ];
    const hal = await globex.addEnrolled(`hal${count}`);
    const shelfOfHal = await makeGroupOf(globex, hal, [gwen]);
    const halMeeting = await makeGroupOf(acme, ada, [gwen, shelfOfHal], 'meeting');
    await revoke(globex.parts, addressOf(gwen), 'reset');
    const again = await enrol(globex.parts, gwen.who.sub);
    await addMembers(acme, desk, [again]);
    await addMembers(globex, shelfOfHal, [again]);
    for (const group of [deskMeeting, halMeeting]) {
      const { to, keyId, sealed } = await sealedTo(group);
      const opening = await open(globex, again, to, keyId);
      expect(await receive(opening, again, { to, keyId, sealerBridge: acme })).toEqual(sealed.plaintext);
    }
    const { to, keyId } = await sealedTo(shelfMeeting);
    await expectCode(open(globex, again, to, keyId), 'membership_stale');
  });

  it('by a rotation leave the membership as it is', async () => {
    const group = await makeGroupOf(acme, ada, [bob, gwen]);
    const { to, keyId, sealed } = await sealedTo(group);
    for (const [bridge, person] of [[acme, bob] as const, [globex, gwen] as const]) {
      await rotate(bridge.parts, rotatable(person));
      const opening = await open(bridge, person, to, keyId);
      expect(await receive(opening, person, { to, keyId, sealerBridge: acme })).toEqual(sealed.plaintext);
    }
  });
});

const addressOf = ({ offer }: Enrolled) => offer.statement.address;

const removeDevice = (bridge: OpeningBridge, { who }: Enrolled) =>
  bridge.parts.database.transaction((transaction) => deleteDevice(transaction, who.deviceId));

/** Raises the generation and changes nothing else, as a restriction does that was taken back since. */
const restrict = (bridge: OpeningBridge, { who }: Enrolled) =>
  bridge.parts.database.transaction((transaction) => restrictPerson(transaction, who.sub, 'active'));

async function renewMember(group: MadeGroup, member: Enrolled): Promise<void> {
  await remove(acme, group, member);
  await addMembers(acme, group, [member]);
}

const end = (group: MadeGroup) => acme.groups.endings.end(ada.who, group.group, contextOf(ada.who));
