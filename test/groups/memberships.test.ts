import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteDevice } from '../../bridge/directory/devices.ts';
import { saveMember } from '../../bridge/groups/member-store.ts';
import type { Groups } from '../../bridge/groups/services.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import type { Memberships } from '../../protocol/groups/api.ts';
import { membershipSchema } from '../../protocol/groups/membership.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, holder, newDevice } from '../fakes/client-side.ts';
import {
  addMembers,
  exclusion,
  groupsOf,
  type MadeGroup,
  makeGroup,
  memberOf,
  removals,
} from '../fakes/group-side.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from '../key-openings/two-bridges.ts';
import { gatherColleagues } from './colleagues.ts';

const nameOf = ({ offer, who }: Enrolled) => ({ iss: offer.iss, sub: who.sub });
const inBy = ({ tokens }: Memberships) =>
  tokens
    .map((token) => decodeClaims(token, 'group-membership+jwt', membershipSchema).member)
    .map((member) => ('sub' in member ? member.sub : member.group))
    .sort();

describe('who of some people is in a group', () => {
  let parts: BridgeParts;
  let groups: Groups;
  let alice: Enrolled;
  let bob: Enrolled;
  let carol: Enrolled;
  let board: MadeGroup;
  beforeEach(async () => {
    ({ parts, groups, alice, bob, carol, board } = await gatherColleagues());
  });
  afterEach(() => parts.remove());

  const find = (people: readonly Enrolled[], by = alice, from = groups) =>
    from.members.find(by.who, { iss: board.claims.iss, group: board.group, people: people.map(nameOf) });

  it('is told by the statements that put them in, and by no others', async () => {
    await addMembers({ parts, groups }, board, [bob, carol]);
    const found = await find([alice, bob]);
    expect(inBy(found)).toEqual([bob.who.sub]);
    expect(found.signers).toHaveLength(1);
    const elsewhere = { iss: 'https://bridge.globex.example', sub: bob.who.sub };
    const asked = { iss: board.claims.iss, group: board.group, people: [elsewhere] };
    expect((await groups.members.find(alice.who, asked)).tokens).toEqual([]);
  });

  it('is told to nobody who takes no part, and to nobody any more who was removed', async () => {
    await expectCode(find([alice], carol), 'group_unknown');
    await addMembers({ parts, groups }, board, [carol]);
    expect(inBy(await find([carol], carol))).toEqual([carol.who.sub]);
    const body = await removals(board, [memberOf(carol).member]);
    await groups.members.change(alice.who, board.group, body, contextOf(alice.who));
    await expectCode(find([carol], carol), 'group_unknown');
    expect((await find([carol])).tokens).toEqual([]);
  });

  it('is told to nobody any more who was excluded, who hears that they were', async () => {
    await addMembers({ parts, groups }, board, [carol]);
    const token = await exclusion(board, nameOf(carol));
    await groups.members.exclude(alice.who, board.group, { tokens: [token] }, contextOf(alice.who));
    await expectCode(find([alice], carol), 'group_excluded');
  });

  it('is told to an endorsed device alone, and of a group that there is', async () => {
    const asked = { iss: board.claims.iss, group: board.group, people: [nameOf(bob)] };
    const device = await newDevice(parts.engine);
    const thief = holder(alice.who.sub, device, { endorsed: true });
    await expectCode(groups.members.find(thief, asked), 'device_not_endorsed');
    const nowhere = { ...asked, group: 'A'.repeat(43) };
    await expectCode(groups.members.find(alice.who, nowhere), 'group_unknown');
  });

  it('is told with what showed who signed, where the device is nobody’s any more', async () => {
    await addMembers({ parts, groups }, board, [carol]);
    await parts.database.transaction((tx) => deleteDevice(tx, alice.who.deviceId));
    const found = await find([carol], bob);
    expect(inBy(found)).toEqual([carol.who.sub]);
    expect(found.signers).toEqual([]);
    expect(found.kept?.map(({ evidence }) => evidence.address)).toEqual(['alice@acme.example']);
  });

  it('costs as many queries and rows in a group of two thousand as in one of two, and so does a removal', async () => {
    const costs: unknown[] = [];
    for (const others of [0, 2_000]) {
      await addMembers({ parts, groups }, board, [bob, carol]);
      await fill(others);
      const counted = countingDatabase(parts.database);
      const counting = groupsOf({ ...parts, database: counted.database });
      expect(inBy(await find([bob], alice, counting))).toEqual([bob.who.sub]);
      const found = counted.take();
      const body = await removals(board, [memberOf(bob).member, memberOf(carol).member]);
      await counting.members.change(alice.who, board.group, body, contextOf(alice.who));
      costs.push({ found, removed: counted.take() });
    }
    expect(costs[1]).toEqual(costs[0]);
  });

  async function fill(others: number): Promise<void> {
    await parts.database.transaction(async (tx) => {
      for (let index = 0; index < others; index += 1) {
        const member = { kind: 'person' as const, iss: 'https://bridge.globex.example' };
        await saveMember(tx, {
          ...{ group_id: board.group, ...member, member_id: `other-${index}`, key_version: 0 },
          ...{ group_key_version: 0, transform_key: new Uint8Array(8), generation: 10_000 + index, added: 0 },
        });
      }
    });
  }
});

/** Counts the queries of a database, and the rows that they answer. */
function countingDatabase(database: Database) {
  let count = { queries: 0, rows: 0 };
  const counting = {
    transformQuery: <Node>({ node }: { readonly node: Node }) => {
      count.queries += 1;
      return node;
    },
    transformResult: async <Result extends { readonly rows: readonly unknown[] }>({
      result,
    }: {
      readonly result: Result;
    }) => {
      count.rows += result.rows.length;
      return result;
    },
  };
  return {
    database: {
      dialect: database.dialect,
      // The handle of reads is a whole one, of which reads see a part.
      read: (work) => database.read((query) => work((query as Transaction).withPlugin(counting))),
      transaction: (work, options) =>
        database.transaction((tx) => work(tx.withPlugin(counting) as Transaction), options),
      revision: () => database.revision(),
      migrate: () => database.migrate(),
      close: () => database.close(),
    } satisfies Database as Database,
    take() {
      const taken = count;
      count = { queries: 0, rows: 0 };
      return taken;
    },
  };
}

describe('who of some people is in a group of a partner', () => {
  let bridges: TwoBridges;
  let acme: OpeningBridge;
  let globex: OpeningBridge;
  let alice: Enrolled;
  let dora: Enrolled;
  let emil: Enrolled;
  let team: MadeGroup;
  beforeAll(async () => {
    bridges = await twoBridges();
    ({ acme, globex } = bridges);
    alice = await acme.addEnrolled('alice');
    [dora, emil] = [await globex.addEnrolled('dora'), await globex.addEnrolled('emil')];
  });
  beforeEach(async () => {
    team = await makeGroup(globex, dora, { label: 'Team' });
  });
  afterAll(() => bridges?.close());

  /** As Alice, who hosts a meeting with the team, asks her own bridge. */
  const find = (people: readonly Enrolled[]) =>
    acme.groups.members.find(alice.who, {
      ...{ iss: globex.iss, group: team.group, people: people.map(nameOf) },
    });

  it('is told to somebody of ours who takes part in it, with what shows who signed', async () => {
    await addMembers(globex, team, [alice, dora]);
    const found = await find([dora, emil]);
    expect(inBy(found)).toEqual([dora.who.sub]);
    expect(found.signers.map(({ address }) => address)).toEqual(['dora@globex.example']);
  });

  it('is told to nobody else, and to nobody any more who was excluded', async () => {
    await expectCode(find([dora]), 'group_unknown');
    await addMembers(globex, team, [alice, dora]);
    await find([dora]);
    const token = await exclusion(team, nameOf(alice));
    await globex.groups.members.exclude(dora.who, team.group, { tokens: [token] }, contextOf(dora.who));
    await expectCode(find([dora]), 'group_excluded');
  });
});
