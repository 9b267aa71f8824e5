import { afterAll, beforeAll, expect, it } from 'vitest';
import { saveMember } from '../../bridge/groups/member-store.ts';
import { meetingsWith } from '../../bridge/meetings/group-news.ts';
import { endMeeting, findMeeting, newMeeting } from '../../bridge/meetings/meeting-store.ts';
import type { Query } from '../../bridge/storage/database.ts';
import type { Enrolled } from '../fakes/client-side.ts';
import { addMembers, type MadeGroup } from '../fakes/group-side.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import { type MadeMeeting, makeDurable, makeMeeting, rekey } from './meeting-side.ts';

const PARTNER = 'https://bridge.elsewhere.example';

let bridges: TwoMeetingBridges;
let acme: MeetingBridge;
let ada: Enrolled;
let team: MadeGroup;

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme } = bridges);
  ada = await acme.addEnrolled('ada');
  team = await makeDurable(acme, ada, [ada]);
});
afterAll(() => bridges?.close());

async function meetingOf(...members: MadeGroup[]): Promise<MadeMeeting> {
  const made = await makeMeeting(acme, ada, []);
  if (members.length > 0) await addMembers(acme, made, members);
  await rekey(acme, made, ada);
  return made;
}

const teamHere = () => ({ iss: acme.iss, group: team.group });
const told = () => acme.parts.database.read((query) => meetingsWith(query, teamHere()));

/** How many statements it takes to find who is to be told. */
function statementsToFind(): Promise<number> {
  return acme.parts.database.read(async (query) => {
    let statements = 0;
    const counted = new Proxy(query, {
      get(target, name) {
        if (name === 'selectFrom') statements += 1;
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }) satisfies Query;
    await meetingsWith(counted, teamHere());
    return statements;
  });
}

it('a change to a durable group is told to the meetings that it is in, and to no others', async () => {
  const [first, second] = [await meetingOf(team), await meetingOf(team)];
  const other = await meetingOf();
  expect((await told()).sort()).toEqual([first.group, second.group].sort());
  const own = { iss: acme.iss, group: other.group };
  expect(await acme.parts.database.read((query) => meetingsWith(query, own))).toEqual([other.group]);
});

it('is not told to meetings that have ended, nor to those with another bridge’s group of the same id', async () => {
  const before = await told();
  const [ended, another] = [await meetingOf(team), await meetingOf()];
  await acme.parts.database.transaction(async (tx) => {
    const meeting = await findMeeting(tx, ended.group);
    await endMeeting(tx, meeting ?? newMeeting(ended.group));
    await saveMember(tx, {
      ...{ group_id: another.group, kind: 'group', iss: PARTNER, member_id: team.group, key_version: 0 },
      ...{ group_key_version: 0, transform_key: new Uint8Array(1), generation: 0, added: 0 },
    });
  });
  expect(await told()).toEqual(before);
});

it('costs as much however many other meetings there are', async () => {
  const before = await statementsToFind();
  await acme.parts.database.transaction(async (tx) => {
    const rows = Array.from({ length: 500 }, (_, index) => ({ ...newMeeting(`other-${index}`), seq: 1 }));
    await tx.insertInto('meetings').values(rows).execute();
  });
  expect(await statementsToFind()).toBe(before);
});
