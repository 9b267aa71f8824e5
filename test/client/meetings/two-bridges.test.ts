import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { saveMember } from '../../../bridge/groups/member-store.ts';
import { seconds, systemClock } from '../../../bridge/lib/clock.ts';
import { openDatabase } from '../../../bridge/storage/open-storage.ts';
import type {
  AdmissionPolicy,
  GroupRef,
  HostedMeeting,
  JoinedMeeting,
  MeetingRef,
  Participant,
} from '../../../client/index.ts';
import { createBridgeGroup } from '../../../client/meetings/bridge-group.ts';
import { createBridgeRelay } from '../../../client/meetings/bridge-relay.ts';
import { currentDevice } from '../../../client/own-account.ts';
import type { Company } from '../../../demo/stage/company.ts';
import { ADA, BEN, GWEN, HAL } from '../../../demo/stage/people.ts';
import { readConfig } from '../../../demo/stage/start-company.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { claimedRekey } from '../../../protocol/meetings/rekey-message.ts';
import { codeOf } from '../../protocol/codes.ts';
import { hear } from './heard.ts';
import { keyOf } from './meeting-fixture.ts';
import {
  type Attendee,
  anotherDevice,
  newApp,
  startTwoCompanies,
  type TwoCompanies,
} from './two-companies.ts';

// Two bridges and four clients in one process: on a busy machine transforms take their time.
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

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

async function start(options: {
  admins?: string[];
  people?: string[];
  groups?: GroupRef[];
  admission?: AdmissionPolicy;
}): Promise<HostedMeeting> {
  const meeting = await two.ada.client.meetings.start({
    ...{ label: 'Plans', ends: inAnHour(), mediaKey: 'media of ada' },
    ...options,
  });
  open.push(meeting);
  return meeting;
}

async function join(
  { client }: Pick<Attendee, 'client'>,
  { iss, group }: MeetingRef,
): Promise<JoinedMeeting> {
  const meeting = await client.meetings.join({ iss, group, host: ADA.address, mediaKey: 'media' });
  open.push(meeting);
  return meeting;
}

async function joinPlaced(who: Pick<Attendee, 'client'>, hosted: MeetingRef) {
  const meeting = await join(who, hosted);
  const heard = hear(meeting);
  await heard.next('placed');
  const { sub } = await who.client.me();
  return { meeting, heard, sub };
}

/** The id of the newest sealed key, as anybody in the meeting learns it. */
async function newestKeyId({ parts }: Attendee, meeting: MeetingRef): Promise<string> {
  const { rekey } = await createBridgeRelay(parts.api, meeting).state();
  return claimedRekey(rekey ?? '').claims.key_id ?? '';
}

/** With everything that an app of theirs has: the code with which each way to the key is refused. */
async function tryToFollow(who: Attendee, meeting: MeetingRef, keyId: string): Promise<string[]> {
  const { iss, group } = meeting;
  const opening = async () => {
    const own = await createBridgeGroup(who.parts, meeting, ADA.address);
    await own.open(keyId);
  };
  return [
    await codeOf(() => who.client.groups.openKey({ iss, group, expected: ADA.address }, keyId)),
    await codeOf(opening),
    await codeOf(() => join(who, meeting)),
  ];
}

/** A durable group of this person, with others in it. */
async function teamOf({ client, person }: Attendee, people: readonly string[]) {
  const { iss, group } = await client.groups.create({ kind: 'durable', label: 'The team' });
  const team = { iss, group, expected: person.address };
  await client.groups.add(team, { people: [...new Set([person.address, ...people])] });
  return team;
}

/** As a bridge does that lies about its group: no admin signed it. */
async function putInto({ configPath }: Company, group: string, { parts, client }: Attendee): Promise<void> {
  const database = await openDatabase(readConfig(configPath).storage, systemClock);
  const { sub } = await client.me();
  const member = { kind: 'person' as const, iss: parts.context.issuer, member_id: sub };
  try {
    await database.transaction((tx) =>
      saveMember(tx, {
        ...{ group_id: group, ...member, key_version: 0, group_key_version: 0 },
        ...{ transform_key: new Uint8Array(800), generation: 99, added: seconds(systemClock) },
      }),
    );
  } finally {
    await database.close();
  }
}

/** Without the key of the meeting: who has no way to it may still ask for a place. */
async function showUp({ client, parts, person }: Attendee, { iss, group }: MeetingRef): Promise<void> {
  const relay = createBridgeRelay(parts.api, { iss, group });
  const { epoch, challenge } = claimedRekey((await relay.state()).rekey ?? '').claims;
  const place = { meeting: group, aud: iss, epoch, challenge, mediaKey: 'media' };
  const { ephemeralPrivateKey: _own, ...shown } = await client.createPresence(place);
  await relay.present({ ...shown, address: person.address });
}

async function participantsOf(meeting: JoinedMeeting): Promise<Participant[]> {
  const participants: Participant[] = [];
  for await (const each of meeting.roster()) participants.push(each);
  return participants;
}

const rosterOf = async (meeting: JoinedMeeting) =>
  (await participantsOf(meeting)).map(({ address }) => address);

describe('a meeting of two companies', () => {
  it('gives everybody one key through their own company’s bridge, then by the tree', async () => {
    const hosted = await start({ people: [GWEN.address, HAL.address] });
    expect(hosted.notAdded).toEqual([]);
    const gwen = await joinPlaced(two.gwen, hosted);
    const hal = await joinPlaced(two.hal, hosted);
    const { epoch } = hosted.currentKey();
    for (const { meeting } of [gwen, hal]) expect(await keyOf(meeting, epoch)).toEqual(hosted.currentKey());
    await hosted.rekey();
    for (const { meeting, heard } of [gwen, hal]) {
      expect(await keyOf(meeting, epoch + 1)).toEqual(hosted.currentKey());
      expect(await heard.next('key', (key) => key.epoch === epoch + 1)).toMatchObject({ from: 'tree' });
      expect(meeting.fingerprint()).toBe(hosted.fingerprint());
    }
    expect(
      (await participantsOf(gwen.meeting)).map(({ address, name, state }) => [address, name, state]),
    ).toEqual([
      [ADA.address, 'Ada Palmer', 'verified'],
      [GWEN.address, 'Gwen Ito', 'verified'],
      [HAL.address, 'Hal Brandt', 'verified'],
    ]);
  });

  it('goes on without one who leaves, with another key at once', async () => {
    const hosted = await start({ people: [GWEN.address, HAL.address] });
    const gwen = await joinPlaced(two.gwen, hosted);
    const hal = await joinPlaced(two.hal, hosted);
    const { epoch } = hosted.currentKey();
    await gwen.meeting.leave();
    expect(await keyOf(hal.meeting, epoch + 1)).toEqual(hosted.currentKey());
    expect(gwen.meeting.currentKey().epoch).toBe(epoch);
  });

  it('keeps the next key from a member who was removed, whatever they try', async () => {
    const hosted = await start({ people: [GWEN.address, HAL.address] });
    const gwen = await joinPlaced(two.gwen, hosted);
    const hal = await joinPlaced(two.hal, hosted);
    const { epoch } = hosted.currentKey();
    await hosted.remove(GWEN.address);
    expect(await keyOf(hal.meeting, epoch + 1)).toEqual(hosted.currentKey());
    expect(await codeOf(() => keyOf(gwen.meeting, epoch + 1))).toBe('group_unknown');
    expect(gwen.meeting.currentKey().epoch).toBe(epoch);
    const keyId = await newestKeyId(two.hal, hosted);
    expect(await tryToFollow(two.gwen, hosted, keyId)).toEqual(Array(3).fill('group_unknown'));
  });

  const takesPlace: typeof join = async (who, hosted) => (await joinPlaced(who, hosted)).meeting;
  it.each([
    ['their own company', () => two.gwen, takesPlace, 1],
    // A place is given with a key of its own, which those who are there shall have. The host looks at the group for the
    // first time when it has removed her: it may have lost others too, so one more epoch begins.
    ['the host’s company', () => two.ada, takesPlace, 2],
  ])(
    'keeps the next key from one who came by a durable group of %s, and was removed',
    async (_whose, owner, enter, epochs) => {
      const hosted = await start({
        groups: [await teamOf(owner(), [ADA.address, GWEN.address, HAL.address])],
      });
      const gwen = { meeting: await enter(two.gwen, hosted) };
      const hal = { meeting: await enter(two.hal, hosted) };
      const { epoch } = hosted.currentKey();
      await hosted.remove(GWEN.address);
      expect(await keyOf(hosted, epoch + epochs)).toEqual(hosted.currentKey());
      expect(await keyOf(hal.meeting, epoch + epochs)).toEqual(hosted.currentKey());
      expect(await codeOf(() => keyOf(gwen.meeting, epoch + 1))).toBe('group_excluded');
      const keyId = await newestKeyId(two.hal, hosted);
      expect(await tryToFollow(two.gwen, hosted, keyId)).toEqual(Array(3).fill('group_excluded'));
      expect(hal.meeting.currentKey()).toEqual(hosted.currentKey());
    },
  );

  it('removes a member at the second try, where the first one was done and not answered', async () => {
    const hosted = await start({ people: [GWEN.address] });
    const { api } = two.ada.parts;
    let isDone = false;
    const post: typeof api.post = async (path, body, schema) => {
      if (isDone && path === '/v1/groups/view') {
        isDone = false;
        throw new CountersignError('bridge_unreachable');
      }
      const answer = await api.post(path, body, schema);
      isDone ||= path.endsWith('/members');
      return answer;
    };
    const group = await createBridgeGroup({ ...two.ada.parts, api: { ...api, post } }, hosted, ADA.address);
    expect(await codeOf(() => group.restrict(GWEN.address))).toBe('bridge_unreachable');
    expect(await group.restrict(GWEN.address)).toMatchObject({ iss: two.gwen.parts.context.issuer });
    expect(await codeOf(() => group.restrict(GWEN.address))).toBe('group_not_member');
  });

  it('removes whom another admin has added since the host last looked', async () => {
    const hosted = await start({ admins: [BEN.address] });
    const ref = { iss: hosted.iss, group: hosted.group, expected: ADA.address };
    const group = await createBridgeGroup(two.ada.parts, hosted, ADA.address);
    await two.ben.client.groups.add(ref, { people: [GWEN.address] });
    expect(await group.restrict(GWEN.address)).toMatchObject({ iss: two.gwen.parts.context.issuer });
    expect(await codeOf(() => join(two.gwen, hosted))).toBe('group_unknown');
    expect(await codeOf(() => group.restrict(GWEN.address))).toBe('group_not_member');
  });

  it('gives a place to who came by a durable group of the host’s company, whoever’s people they are', async () => {
    const hosted = await start({ groups: [await teamOf(two.ada, [BEN.address, GWEN.address])] });
    for (const who of [two.ben, two.gwen]) {
      const { meeting } = await joinPlaced(who, hosted);
      expect(await keyOf(meeting, hosted.currentKey().epoch)).toEqual(hosted.currentKey());
    }
  });

  it('invites nobody who was excluded while somebody else was let in again', async () => {
    const hosted = await start({ groups: [await teamOf(two.ada, [GWEN.address, HAL.address])] });
    const { groups } = two.ada.client;
    const ref = { iss: hosted.iss, group: hosted.group, expected: ADA.address };
    await groups.exclude(ref, HAL.address);
    const group = await createBridgeGroup(two.ada.parts, hosted, ADA.address);
    const invitations = async () => {
      await group.refresh();
      const people = await Promise.all([two.gwen, two.hal].map(({ client }) => client.me()));
      return group.invites(people);
    };
    expect(await invitations()).toEqual(['by_admins', 'none']);
    await groups.exclude(ref, GWEN.address);
    await groups.readmit(ref, HAL.address);
    expect(await invitations()).toEqual(['none', 'by_admins']);
  });

  it('gives a place to who came by a durable group of their own company, by its admins’ word', async () => {
    const hosted = await start({ groups: [await teamOf(two.gwen, [ADA.address, HAL.address])] });
    const gwen = await joinPlaced(two.gwen, hosted);
    const hal = await joinPlaced(two.hal, hosted);
    await hosted.rekey();
    const { epoch } = hosted.currentKey();
    for (const { meeting, heard } of [gwen, hal]) {
      expect(await keyOf(meeting, epoch)).toEqual(hosted.currentKey());
      expect(await heard.next('key', (key) => key.epoch === epoch)).toMatchObject({ from: 'tree' });
    }
    expect((await rosterOf(gwen.meeting)).sort()).toEqual([ADA.address, GWEN.address, HAL.address]);
  });

  it('ends the place of whom a durable group of another company removes', async () => {
    const team = await teamOf(two.gwen, [ADA.address, HAL.address]);
    const hosted = await start({ groups: [team] });
    const host = hear(hosted);
    const gwen = await joinPlaced(two.gwen, hosted);
    const hal = await joinPlaced(two.hal, hosted);
    const { epoch } = hosted.currentKey();
    await two.gwen.client.groups.remove(team, { people: [HAL.address] });
    await host.next('left', ({ sub }) => sub === hal.sub);
    expect(await keyOf(gwen.meeting, epoch + 1)).toEqual(await keyOf(hosted, epoch + 1));
    expect(await codeOf(() => keyOf(hal.meeting, epoch + 1))).toBe('group_unknown');
    expect(await rosterOf(hosted)).not.toContain(HAL.address);
    const keyId = await newestKeyId(two.gwen, hosted);
    expect(await tryToFollow(two.hal, hosted, keyId)).toEqual(Array(3).fill('group_unknown'));
  });

  it('lets nobody into an admission policy’s meeting by a group alone, and everybody whom it admits', async () => {
    const admission = { companies: [{ domain: 'acme.example' }, { domain: 'globex.example' }] };
    const hosted = await start({ groups: [await teamOf(two.gwen, [ADA.address])], admission });
    const gwen = await joinPlaced(two.gwen, hosted);
    expect(await keyOf(gwen.meeting, hosted.currentKey().epoch)).toEqual(hosted.currentKey());
  });

  it('gives every key, and no place, where nobody shows any more who put somebody into that group', async () => {
    const tablet = await anotherDevice(two.stage, two.gwen, 'tablet of the team');
    const team = await teamOf(tablet, [ADA.address, HAL.address]);
    const hosted = await start({ groups: [team] });
    const host = hear(hosted);
    await two.gwen.client.removeDevice(tablet.deviceId);
    const hal = await join(two.hal, hosted);
    const refused = await host.next('participant_refused');
    expect(refused).toMatchObject({ address: HAL.address, code: 'not_placed' });
    expect(await keyOf(hal, hosted.currentKey().epoch)).toEqual(hosted.currentKey());
  });

  it.each([
    ['their own company', () => two.gwen, () => two.stage.globex.get(), () => two.hal],
    ['the host’s company', () => two.ada, () => two.stage.acme.get(), () => two.ben],
  ])(
    'has no place for a person whom the bridge of %s puts into a durable group by itself',
    async (_whose, owner, bridge, accomplice) => {
      const team = await teamOf(owner(), [ADA.address, GWEN.address]);
      const hosted = await start({ groups: [team] });
      const host = hear(hosted);
      await putInto(bridge(), team.group, accomplice());
      await showUp(accomplice(), hosted);
      const refused = await host.next('participant_refused');
      expect(refused).toMatchObject({ address: accomplice().person.address, code: 'group_not_member' });
      await hosted.rekey();
      expect(await rosterOf(hosted)).not.toContain(accomplice().person.address);
    },
  );

  it('lets nobody who comes later read what was before', async () => {
    const hosted = await start({ people: [GWEN.address] });
    const first = await newestKeyId(two.ada, hosted);
    await hosted.rekey();
    const gwen = await joinPlaced(two.gwen, hosted);
    expect(gwen.meeting.currentKey().epoch).toBeGreaterThan(1);
    const { iss, group } = hosted;
    const read = () => two.gwen.client.groups.openKey({ iss, group, expected: ADA.address }, first);
    expect(await codeOf(read)).toBe('sealed_key_unknown');
  });

  it('has its key for somebody who comes while the host is gone', async () => {
    const hosted = await start({ people: [HAL.address] });
    const key = hosted.currentKey();
    await hosted.leave();
    expect((await join(two.hal, hosted)).currentKey()).toEqual(key);
  });

  it('goes on under a co-host, by whom everybody is placed anew', async () => {
    const hosted = await start({ admins: [BEN.address], people: [GWEN.address] });
    const host = hear(hosted);
    const ben = await joinPlaced(two.ben, hosted);
    const gwen = await joinPlaced(two.gwen, hosted);
    await ben.meeting.takeOver();
    expect(await gwen.heard.next('taken_over')).toMatchObject({ term: 2, by: BEN.address });
    expect(await host.next('taken_over')).toMatchObject({ term: 2, by: BEN.address });
    await Promise.all([gwen.heard.next('placed'), host.next('placed')]);
    const { epoch } = ben.meeting.currentKey();
    for (const each of [hosted, gwen.meeting]) {
      expect(await keyOf(each, epoch)).toEqual(ben.meeting.currentKey());
    }
    expect(await codeOf(() => gwen.meeting.takeOver())).toBe('group_not_admin');
  });

  it('ends for a device that is removed from its person, and has another key then', async () => {
    const hosted = await start({ people: [HAL.address] });
    const host = hear(hosted);
    const phone = await newApp(two.stage, HAL, 'phone');
    const addition = await phone.client.requestDevice({ label: 'Hal’s phone', method: 'fingerprint' });
    await two.hal.client.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    const { device } = await addition.waitForApproval();
    const onPhone = await joinPlaced(phone, hosted);
    const { epoch } = hosted.currentKey();
    await two.hal.client.removeDevice(device.device_id);
    expect(await host.next('left')).toMatchObject({ deviceId: device.device_id, reason: 'revoked' });
    expect(hosted.currentKey().epoch).toBe(epoch + 1);
    expect(await codeOf(() => keyOf(onPhone.meeting, epoch + 1))).toBe('sign_in_required');
  });

  it('can end with another key of the host’s device, and of a participant’s, who go on', async () => {
    const hosted = await start({ people: [HAL.address] });
    const hal = await joinPlaced(two.hal, hosted);
    const deviceKeyOf = async ({ parts }: Attendee) => (await currentDevice(parts.context)).preJwk.x;
    const before = [await deviceKeyOf(two.ada), await deviceKeyOf(two.hal)];
    await hosted.end({ rotateDevice: true });
    await hal.heard.next('ended');
    await hal.meeting.leave({ rotateDevice: true });
    for (const [index, each] of [two.ada, two.hal].entries()) {
      expect((await each.client.me()).deviceBinding).not.toBeNull();
      expect(await deviceKeyOf(each)).not.toBe(before[index]);
    }
    expect(await codeOf(() => join(two.hal, hosted))).toBe('group_ended');
    const next = await start({ people: [HAL.address] });
    expect((await joinPlaced(two.hal, next)).meeting.currentKey()).toEqual(next.currentKey());
  });
});
