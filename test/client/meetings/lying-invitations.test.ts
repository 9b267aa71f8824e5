import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { judgeGroup } from '../../../client/groups/view.ts';
import type { GroupRef } from '../../../client/index.ts';
import { createBridgeGroup } from '../../../client/meetings/bridge-group.ts';
import { createInvitations } from '../../../client/meetings/invited.ts';
import type { ClientParts } from '../../../client/own-account.ts';
import { ADA, BEN, GWEN, HAL } from '../../../demo/stage/people.ts';
import { membershipsSchema } from '../../../protocol/groups/api.ts';
import { type Attendee, startTwoCompanies, type TwoCompanies } from './two-companies.ts';

// Two bridges and four clients in one process: on a busy machine transforms take their time.
vi.setConfig({ testTimeout: 120_000 });

const MEMBERSHIPS = '/v1/groups/memberships';

let two: TwoCompanies;
let person: Record<'ben' | 'gwen' | 'hal', { readonly iss: string; readonly sub: string }>;
beforeAll(async () => {
  two = await startTwoCompanies();
  const nameOf = async ({ client }: Attendee) => {
    const { iss, sub } = await client.me();
    return { iss, sub };
  };
  person = { ben: await nameOf(two.ben), gwen: await nameOf(two.gwen), hal: await nameOf(two.hal) };
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
async function meetingWith(team: GroupRef, parts: ClientParts = two.ada.parts) {
  const ends = Math.floor(Date.now() / 1000) + 3600;
  const { iss, group } = await two.ada.client.groups.create({ kind: 'meeting', label: 'Plans', ends });
  await two.ada.client.groups.add({ iss, group }, { groups: [team] });
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
