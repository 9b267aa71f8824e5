import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AdmissionPolicy, HostedMeeting, JoinedMeeting, MeetingRef } from '../../../client/index.ts';
import { createBridgeGroup } from '../../../client/meetings/bridge-group.ts';
import { ADA, BEN, GWEN, HAL } from '../../../demo/stage/people.ts';
import { codeOf } from '../../protocol/codes.ts';
import { hear } from './heard.ts';
import { keyOf } from './meeting-fixture.ts';
import { type Attendee, anotherDevice, startTwoCompanies, type TwoCompanies } from './two-companies.ts';

// Two bridges and five clients in one process: on a busy machine transforms take their time.
vi.setConfig({ testTimeout: 120_000 });

let two: TwoCompanies;
const open: JoinedMeeting[] = [];
beforeAll(async () => {
  two = await startTwoCompanies();
}, 120_000);
afterEach(async () => {
  for (const meeting of open.splice(0)) await meeting.leave().catch(() => undefined);
});
afterAll(() => two?.close());

async function start(
  { client }: Pick<Attendee, 'client'>,
  admission?: AdmissionPolicy,
): Promise<HostedMeeting> {
  const meeting = await client.meetings.start({
    ...{ label: 'Plans', ends: Math.floor(Date.now() / 1000) + 3600, mediaKey: 'media of the host' },
    ...{ admins: [BEN.address], people: [GWEN.address, HAL.address] },
    ...(admission === undefined ? {} : { admission }),
  });
  open.push(meeting);
  return meeting;
}

async function join({ client }: Pick<Attendee, 'client'>, { iss, group }: MeetingRef) {
  const meeting = await client.meetings.join({ iss, group, host: ADA.address, mediaKey: 'media' });
  open.push(meeting);
  const heard = hear(meeting);
  await heard.next('placed');
  return { meeting, heard };
}

describe('a meeting whose first host is an admin no more', () => {
  it('can be rid of somebody for whom no admin of now has signed', async () => {
    const hosted = await start(two.ada);
    const hal = await join(two.hal, hosted);
    const { iss, group } = hosted;
    await two.ben.client.groups.renew({ iss, group, expected: ADA.address }, { admins: [] });
    const meeting = await createBridgeGroup(two.ben.parts, hosted, BEN.address);
    const { sub } = await two.hal.client.me();
    expect(await meeting.invites([{ iss: two.hal.parts.context.issuer, sub }])).toEqual(['by_bridge']);
    expect(await meeting.restrict(HAL.address)).toMatchObject({ sub });
    expect(await codeOf(() => keyOf(hal.meeting, hal.meeting.currentKey().epoch + 1))).toBe('group_unknown');
  });
});

describe('a meeting whose host’s device was removed', () => {
  const companies = [{ domain: 'acme.example' }, { domain: 'globex.example' }];

  it.each([
    ['for everybody who is in the group', undefined],
    ['with an admission policy', { companies }],
  ])('goes on under a co-host, who can place and remove everybody: %s', async (_how, admission) => {
    const tablet = await anotherDevice(two.stage, two.ada, `tablet ${_how}`);
    const hosted = await start(tablet, admission);
    const ben = await join(two.ben, hosted);
    const hal = await join(two.hal, hosted);
    await two.ada.client.removeDevice(tablet.deviceId);
    const next = await ben.meeting.takeOver();
    await hal.heard.next('taken_over');
    await hal.heard.next('placed');
    // Who sees the group for the first time now has only what its bridge kept.
    const gwen = await join(two.gwen, hosted);
    const roster: (string | null)[] = [];
    for await (const { address } of next.roster()) roster.push(address);
    expect(roster.sort()).toEqual([BEN.address, GWEN.address, HAL.address]);

    const { epoch } = hal.meeting.currentKey();
    await next.remove(HAL.address);
    const after = next.currentKey().epoch;
    expect(after).toBeGreaterThan(epoch);
    expect(await keyOf(gwen.meeting, after)).toEqual(next.currentKey());
    expect(await codeOf(() => keyOf(hal.meeting, after))).toBe('group_unknown');
  });
});
