import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findMembers, nameOf } from '../../../client/groups/find-members.ts';
import { claimedDevice } from '../../../client/groups/signers.ts';
import { judgeGroup } from '../../../client/groups/view.ts';
import type { GroupRef } from '../../../client/index.ts';
import { createBridgeGroup } from '../../../client/meetings/bridge-group.ts';
import { createInvitations } from '../../../client/meetings/invited.ts';
import { type ClientParts, currentDevice } from '../../../client/own-account.ts';
import { ADA, BEN, GWEN, HAL } from '../../../demo/stage/people.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { MEMBERSHIP_BATCH, membershipsSchema, membersPageSchema } from '../../../protocol/groups/api.ts';
import { type Membership, membershipSchema, signMembership } from '../../../protocol/groups/membership.ts';
import { decodeClaims } from '../../../protocol/jws.ts';
import { codeOf } from '../../protocol/codes.ts';
import { type Attendee, anotherDevice, startTwoCompanies, type TwoCompanies } from './two-companies.ts';

// Two bridges and four clients in one process: on a busy machine transforms take their time.
vi.setConfig({ testTimeout: 120_000 });

const MEMBERSHIPS = '/v1/groups/memberships';
const VIEW = '/v1/groups/view';
const OPENINGS = '/v1/key-openings';

let two: TwoCompanies;
let person: Record<'ben' | 'gwen' | 'hal', { readonly iss: string; readonly sub: string }>;
beforeAll(async () => {
  two = await startTwoCompanies();
  const personOf = async ({ client }: Attendee) => {
    const { iss, sub } = await client.me();
    return { iss, sub };
  };
  person = { ben: await personOf(two.ben), gwen: await personOf(two.gwen), hal: await personOf(two.hal) };
}, 120_000);
afterAll(() => two?.close());

/** A durable group of Gwen’s at Globex. */
async function teamOf(people: readonly string[]) {
  const { iss, group } = await two.gwen.client.groups.create({ kind: 'durable', label: 'The team' });
  const team = { iss, group, expected: GWEN.address };
  await two.gwen.client.groups.add(team, { people: [ADA.address, ...people] });
  return team;
}

/** The group of a meeting of Ada’s in which that team is, as her device sees it. */
async function meetingWith(
  team: GroupRef | readonly GroupRef[],
  parts: ClientParts = two.ada.parts,
  people: readonly string[] = [],
) {
  const ends = Math.floor(Date.now() / 1000) + 3600;
  const { iss, group } = await two.ada.client.groups.create({ kind: 'meeting', label: 'Plans', ends });
  await two.ada.client.groups.add({ iss, group }, { groups: [team].flat(), people });
  return createBridgeGroup(parts, { iss, group }, ADA.address);
}

/** Ada’s bridge, or one on the way, answers something else to these requests. */
function lied(lie: (path: string, answer: unknown, body: unknown) => unknown): ClientParts {
  const { api } = two.ada.parts;
  const post: typeof api.post = async (path, body, schema) =>
    lie(path, await api.post(path, body, schema), body) as never;
  const get: typeof api.get = async (path, schema) => lie(path, await api.get(path, schema), null) as never;
  return { ...two.ada.parts, api: { ...api, post, get } };
}

const withoutSigners = (answer: unknown) => ({ ...Object(answer), signers: [], kept: [] });

describe('whom a durable group of a partner lets into a meeting', () => {
  it('is people of that partner alone, whomever its admins have put in', async () => {
    const group = await meetingWith(await teamOf([HAL.address, BEN.address]));
    expect(await group.invites([person.hal, person.ben])).toEqual(['by_admins', 'none']);
  });

  it('is nobody whom the group has excluded', async () => {
    const team = await teamOf([HAL.address]);
    const group = await meetingWith(team);
    await two.gwen.client.groups.exclude(team, HAL.address);
    expect(await group.invites([person.hal])).toEqual(['none']);
  });

  it('is who was in it when it was looked at: who came later, after the next look', async () => {
    const team = await teamOf([GWEN.address]);
    const group = await meetingWith(team);
    expect(await group.invites([person.gwen])).toEqual(['by_admins']);
    await two.gwen.client.groups.add(team, { people: [HAL.address] });
    expect(await group.invites([person.hal])).toEqual(['none']);
    await group.refresh();
    expect(await group.invites([person.hal])).toEqual(['by_admins']);
  });

  it('is in by no admin’s word, where nobody shows whose device signed it', async () => {
    const lies = lied((path, answer) => (path === MEMBERSHIPS ? withoutSigners(answer) : answer));
    const group = await meetingWith(await teamOf([HAL.address]), lies);
    expect(await group.invites([person.hal])).toEqual(['by_bridge']);
  });

  it('is in by no admin’s word, where a statement of another group is shown', async () => {
    const other = await teamOf([HAL.address]);
    const { api } = two.ada.parts;
    const team = await teamOf([]);
    let elsewhere: unknown;
    const lies = lied((path, answer, body) =>
      path === MEMBERSHIPS && Object(body).iss === team.iss ? elsewhere : answer,
    );
    elsewhere = await api.post(
      MEMBERSHIPS,
      { iss: other.iss, group: other.group, people: [person.hal] },
      membershipsSchema,
    );
    const group = await meetingWith(team, lies);
    expect(await group.invites([person.hal])).toEqual(['by_bridge']);
  });

  it('is nobody, where no admin’s word shows that the group is in the meeting', async () => {
    const lies = lied((path, answer) => (path.includes('/members?') ? withoutSigners(answer) : answer));
    const group = await meetingWith(await teamOf([HAL.address]), lies);
    expect(await group.invites([person.hal])).toEqual(['none']);
  });

  it('is in by no admin’s word, where a bridge says that the group has ended', async () => {
    const team = await teamOf([HAL.address]);
    const lies = lied((path, answer) =>
      path === VIEW && Object(answer).group === team.group ? { ...Object(answer), status: 'ended' } : answer,
    );
    const group = await meetingWith(team, lies);
    expect(await group.invites([person.hal])).toEqual(['by_bridge']);
  });

  it('is in by no admin’s word, where the group is another meeting', async () => {
    const ends = Math.floor(Date.now() / 1000) + 3600;
    const { iss, group } = await two.gwen.client.groups.create({ kind: 'meeting', label: 'Theirs', ends });
    const theirs = { iss, group, expected: GWEN.address };
    await two.gwen.client.groups.add(theirs, { people: [ADA.address, HAL.address] });
    await judgeGroup(two.ada.parts, theirs);
    const { sig } = await currentDevice(two.ada.parts.context);
    // Signed by Ada’s device, as by an app that does not look what it adds.
    const lies = lied(async (path, answer) => {
      if (!path.includes('/members?')) return answer;
      const { tokens, ...rest } = membersPageSchema.parse(answer);
      const claims = decodeClaims(tokens[0] ?? '', 'group-membership+jwt', membershipSchema);
      const member = { iss, group, key_version: 0 };
      return { ...rest, tokens: [await signMembership(sig, { ...claims, member })] };
    });
    const meeting = await meetingWith(await teamOf([]), lies);
    expect(await meeting.invites([person.hal])).toEqual(['by_bridge']);
  });

  it('is in by the word of one group, whatever another one hides', async () => {
    const hidden = await teamOf([HAL.address]);
    const lies = lied((path, answer) => {
      if (path === VIEW && Object(answer).group === hidden.group) throw new CountersignError('group_unknown');
      return answer;
    });
    const group = await meetingWith([await teamOf([HAL.address]), hidden], lies, [GWEN.address]);
    expect(await group.invites([person.hal, person.gwen])).toEqual(['by_admins', 'by_admins']);
    const direct = await meetingWith(hidden, lies, [GWEN.address]);
    expect(await direct.invites([person.hal, person.gwen])).toEqual(['by_bridge', 'by_admins']);
  });

  it('is looked at again, where the look failed', async () => {
    const failing = new Set<string>();
    const lies = lied((path, answer) => {
      const failed = [...failing].find((part) => path.includes(part));
      if (failed === undefined) return answer;
      failing.delete(failed);
      throw new CountersignError('bridge_unreachable');
    });
    const group = await meetingWith(await teamOf([HAL.address]), lies);
    failing.add('/members?');
    expect(await codeOf(() => group.invites([person.hal]))).toBe('bridge_unreachable');
    failing.add(VIEW);
    expect(await group.invites([person.hal])).toEqual(['by_bridge']);
    expect(await group.invites([person.hal])).toEqual(['by_admins']);
  });

  it('is found among more people than one request asks for', async () => {
    const group = await meetingWith(await teamOf([HAL.address]));
    const others = Array.from({ length: MEMBERSHIP_BATCH }, (_, index) => ({
      ...{ iss: person.hal.iss, sub: `nobody-${index}` },
    }));
    expect((await group.invites([...others, person.hal])).at(-1)).toBe('by_admins');
  });
});

describe('whom a durable group lets into a meeting, once the device that put them there is removed', () => {
  it.each([
    ['of the own bridge is in by its admin’s word of then', () => two.ada, 'by_admins'],
    ['of a partner is in by no admin’s word', () => two.gwen, 'by_bridge'],
  ])('%s', async (_which, owner, invitation) => {
    const { client, person: admin } = owner();
    const tablet = await anotherDevice(two.stage, owner(), `tablet of ${admin.key}`);
    const made = await tablet.client.groups.create({ kind: 'durable', label: 'The team' });
    const team = { iss: made.iss, group: made.group, expected: admin.address };
    await tablet.client.groups.add(team, { people: [ADA.address, HAL.address] });
    const group = await meetingWith(team);
    await client.removeDevice(tablet.deviceId);
    await group.refresh();
    expect(await group.invites([person.hal])).toEqual([invitation]);
  });
});

describe('the group of a meeting, as a device sees it', () => {
  it('takes nobody in whom its bridge lists by itself, though a durable group has not got them', async () => {
    const team = await teamOf([]);
    const lies = lied((path, answer, body) =>
      path === MEMBERSHIPS && Object(body).iss !== team.iss ? withoutSigners(answer) : answer,
    );
    const group = await meetingWith(team, lies, [HAL.address]);
    expect(await group.invites([person.hal])).toEqual(['by_bridge']);
  });

  it('looks for losses in the durable groups of the own bridge alone', async () => {
    const { iss, group } = await two.ada.client.groups.create({ kind: 'durable', label: 'Our team' });
    const own = { iss, group, expected: ADA.address };
    const meeting = await meetingWith([await teamOf([]), own]);
    const { removals } = await meeting.losses();
    expect([...removals.keys()].sort()).toEqual([meeting.group, group].sort());
  });

  it('is that of no durable group', async () => {
    const team = await teamOf([]);
    expect(await codeOf(() => createBridgeGroup(two.ada.parts, team, GWEN.address))).toBe('group_unknown');
  });

  it('opens the key that was asked for, and no other', async () => {
    const { iss, group } = await meetingWith(await teamOf([]));
    const { groups } = two.ada.client;
    const [asked, other] = [await groups.sealKey({ iss, group }), await groups.sealKey({ iss, group })];
    const honest = await createBridgeGroup(two.ada.parts, { iss, group }, ADA.address);
    expect((await honest.open(asked.keyId)).key).toEqual(asked.key);
    const { api } = two.ada.parts;
    const post: typeof api.post = (path, body, schema) =>
      api.post(path, path === OPENINGS ? { ...Object(body), key_id: other.keyId } : body, schema);
    const parts = { ...two.ada.parts, api: { ...api, post } };
    const lying = await createBridgeGroup(parts, { iss, group }, ADA.address);
    expect(await codeOf(() => lying.open(asked.keyId))).toBe('sealed_key_mismatch');
  });

  it('has for its admin nobody who administers another one alone', async () => {
    const group = await meetingWith(await teamOf([GWEN.address]));
    const evidenceOf = async (ref: GroupRef) => (await judgeGroup(two.ada.parts, ref)).shown.signers;
    const [own] = await evidenceOf({ ...group, expected: ADA.address });
    const [theirs] = await evidenceOf(await teamOf([]));
    if (own === undefined || theirs === undefined) throw new Error('nobody signed');
    expect((await group.admin(claimedDevice(own), [own])).address).toBe(ADA.address);
    expect(await codeOf(() => group.admin(claimedDevice(theirs), [theirs]))).toBe('group_not_admin');
  });
});

describe('a bridge that lists people of a group', () => {
  /** Hal’s statement in this group and an older one, as by a bridge that has both. */
  async function twice(team: GroupRef) {
    const { api } = two.ada.parts;
    const ask = async () => {
      const { iss, group } = team;
      return api.post(MEMBERSHIPS, { iss, group, people: [person.hal] }, membershipsSchema);
    };
    const older = await ask();
    await two.gwen.client.groups.remove(team, { people: [HAL.address] });
    await two.gwen.client.groups.add(team, { people: [HAL.address] });
    return { older, newer: await ask() };
  }
  const findHal = async (team: GroupRef, shown: unknown) => {
    const lies = lied((path, answer) => (path === MEMBERSHIPS ? shown : answer));
    const found = await findMembers(lies, await judgeGroup(two.ada.parts, team), [person.hal]);
    return found.get(nameOf(person.hal))?.claims.seq;
  };

  it('is believed about the newest statement of each, in whatever order it shows them', async () => {
    const team = await teamOf([HAL.address]);
    const { older, newer } = await twice(team);
    const tokens = [...older.tokens, ...newer.tokens];
    const newest = await findHal(team, newer);
    expect(await findHal(team, { ...newer, tokens })).toBe(newest);
    expect(await findHal(team, { ...newer, tokens: tokens.reverse() })).toBe(newest);
  });

  it('is refused with the statement of another group, though nobody shows who signed it', async () => {
    const { older } = await twice(await teamOf([HAL.address]));
    const team = await teamOf([]);
    expect(await codeOf(() => findHal(team, withoutSigners(older)))).toBe('group_key_mismatch');
  });

  it('is refused with a removal, and with a signature that does not verify', async () => {
    const team = await teamOf([HAL.address]);
    const { newer } = await twice(team);
    const [token = ''] = newer.tokens;
    const claims = decodeClaims(token, 'group-membership+jwt', membershipSchema);
    const { sig } = await currentDevice(two.gwen.parts.context);
    const { transform_key: _, ...common } = claims as Extract<Membership, { act: 'add' }>;
    const removal = await signMembership(sig, { ...common, act: 'remove' });
    expect(await codeOf(() => findHal(team, { ...newer, tokens: [removal] }))).toBe('group_not_member');
    const [header, payload] = token.split('.');
    const forged = `${header}.${payload}.${'A'.repeat(86)}`;
    expect(await codeOf(() => findHal(team, { ...newer, tokens: [forged] }))).toBe('jws_signature');
  });
});

it('nobody is listed in a group by a statement of somebody else, for whom nobody asked', async () => {
  const team = await teamOf([GWEN.address, HAL.address]);
  const { api } = two.ada.parts;
  const post: typeof api.post = (path, body, schema) =>
    api.post(path, path === MEMBERSHIPS ? { ...Object(body), people: [person.gwen] } : body, schema);
  const parts = { ...two.ada.parts, api: { ...api, post } };
  const invited = createInvitations(parts)(await judgeGroup(parts, team));
  expect(await invited.isDirect(person.hal)).toBe(false);
  expect(await invited.isDirect(person.gwen)).toBe(true);
});
