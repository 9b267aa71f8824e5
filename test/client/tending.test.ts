import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { GroupRef, KeysTended } from '../../client/groups/groups.ts';
import { SOON } from '../fakes/soon.ts';
import { type GroupsStage, type Participant, startGroupsStage } from './groups-stage.ts';

let stage: GroupsStage;
let gwen: Participant;
let hal: Participant;

beforeAll(async () => {
  stage = await startGroupsStage();
  ({ gwen, hal } = stage);
});
afterEach(() => {
  for (const { lies } of [gwen, hal]) lies.clear();
});
afterAll(() => stage.close());

async function board(label: string): Promise<GroupRef> {
  const { iss, group } = await gwen.client.groups.create({ kind: 'durable', label, admins: [hal.address] });
  return { iss, group };
}

/** The bridge calls the first keys of these groups old, as it does when policy has it so. */
function callDue(admin: Participant, groups: readonly GroupRef[]): void {
  const named = groups.map(({ group }) => group);
  const due = { rotation_due: 'scheduled', rotation_due_since: 1, rotation_due_version: 0 };
  admin.lies.set('GET /v1/groups', ({ body }) => {
    const { groups: listed } = body;
    // What is asked for below that path is none of it.
    if (!Array.isArray(listed)) return body;
    const shown = listed.map((each) => (named.includes(String(each.group)) ? { ...each, ...due } : each));
    return { ...body, groups: shown };
  });
}

const versionOf = async (group: GroupRef) => (await gwen.client.groups.view(group)).keyVersion;

it('the app of an admin rotates the groups that are due, and no others', async () => {
  const [old, young] = [await board('Old'), await board('Young')];
  callDue(gwen, [old]);
  const { rotated, failed } = await gwen.client.groups.rotateDue();
  expect({ rotated, failed }).toEqual({ rotated: [{ ...old, label: 'Old' }], failed: [] });
  expect([await versionOf(old), await versionOf(young)]).toEqual([1, 0]);
});

it('a group is rotated once by two apps of its admins that find it due together', async () => {
  const group = await board('Board');
  await hal.client.groups.view({ ...group, expected: gwen.address });
  for (const admin of [gwen, hal]) callDue(admin, [group]);
  const both = await Promise.all([gwen, hal].map(({ client }) => client.groups.rotateDue()));
  expect(both.flatMap(({ failed }) => failed)).toEqual([]);
  expect(await versionOf(group)).toBe(1);
});

it('an app that has seen nothing yet rotates too: its person is the admin whom it expects', async () => {
  const group = await board('New device');
  callDue(gwen, [group]);
  const { failed } = await gwen.withoutPins().groups.rotateDue();
  expect(failed).toEqual([]);
  expect(await versionOf(group)).toBe(1);
});

it('a group that fails keeps no other back, and is told', async () => {
  const [bad, good] = [await board('Bad'), await board('Good')];
  callDue(gwen, [bad, good]);
  gwen.lies.set(`POST /v1/groups/${bad.group}/keys`, () => ({}));
  const { rotated, failed } = await gwen.client.groups.rotateDue();
  expect(rotated).toMatchObject([{ group: good.group }]);
  expect(failed).toMatchObject([{ group: bad.group, error: { code: 'bridge_invalid' } }]);
});

it('keys are tended at once and then in turns, until that is ended', async () => {
  const group = await board('Tended');
  const turns: KeysTended[] = [];
  const ending = new AbortController();
  const onTended = (turn: KeysTended) => void turns.push(turn);
  const tending = gwen.client.tendKeys({ signal: ending.signal, onTended, everyMs: 5 });
  await vi.waitFor(() => expect(turns.length).toBeGreaterThan(0), SOON);
  callDue(gwen, [group]);
  await vi.waitFor(() => expect(turns.flatMap(({ rotated }) => rotated)).not.toEqual([]), SOON);
  ending.abort();
  await tending;
  expect(await versionOf(group)).toBe(1);
  expect(turns.flatMap(({ problems, own }) => [...problems, ...(own ? ['own'] : [])])).toEqual([]);
});
