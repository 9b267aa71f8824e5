import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saveExclusion } from '../../bridge/groups/exclusion-store.ts';
import { findMember } from '../../bridge/groups/member-store.ts';
import { type Groups, isExcluded, mayTakePart } from '../../bridge/groups/services.ts';
import { EXCLUSIONS } from '../../protocol/groups/api.ts';
import type { Exclusion } from '../../protocol/groups/exclusion.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { Interruption } from '../binding/interruption.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import {
  additions,
  exclusion,
  type MadeGroup,
  makeGroup,
  memberOf,
  memberOfGroup,
} from '../fakes/group-side.ts';
import { gatherColleagues } from './colleagues.ts';

let parts: BridgeParts;
let groups: Groups;
let alice: Enrolled;
let bob: Enrolled;
let carol: Enrolled;
let board: MadeGroup;
let weekly: MadeGroup;
let interruption: Interruption;

beforeEach(async () => {
  ({ parts, groups, alice, bob, carol, board, interruption } = await gatherColleagues());
  const admins = [alice.who.sub, bob.who.sub];
  const ends = now() + 3600;
  weekly = await makeGroup({ parts, groups }, alice, { kind: 'meeting', ends, label: 'Weekly', admins });
  await add(board, memberOf(carol));
  await add(weekly, memberOfGroup(board));
});

afterEach(() => parts.remove());

const now = () => Math.floor(parts.clock.now() / 1000);
const read = <T>(work: Parameters<typeof parts.database.read<T>>[0]) => parts.database.read(work);
const personOf = ({ offer: { statement } }: Enrolled) => ({ iss: statement.iss, sub: statement.sub });
const takesPart = (made = weekly) => read((query) => mayTakePart(query, made.group, personOf(carol), []));

async function add(made: MadeGroup, wanted: ReturnType<typeof memberOf>): Promise<void> {
  const body = await additions(parts.engine, made, [wanted]);
  await groups.members.change(alice.who, made.group, body, contextOf(alice.who));
}

const say = (tokens: string[], who = alice.who, made = weekly) =>
  groups.members.exclude(who, made.group, { tokens }, contextOf(who));
const exclude = (changes: Partial<Exclusion> = {}) => exclusion(weekly, personOf(carol), changes);

describe('an exclusion', () => {
  it('shuts out who came in by a durable group, and a readmission lets them in again', async () => {
    expect(await takesPart()).toBe(true);
    const view = await say([await exclude()]);
    expect(view.exclusions).toHaveLength(1);
    expect(await takesPart()).toBe(false);
    expect(await takesPart(board)).toBe(true);
    const after = await say([await exclude({ act: 'readmit' })]);
    expect(after.exclusions).toEqual([]);
    expect(await takesPart()).toBe(true);
  });

  it('shuts out a direct member too', async () => {
    await add(weekly, memberOf(carol));
    await say([await exclude()]);
    expect(await takesPart()).toBe(false);
  });

  it('from the durable group shuts out of the meeting as well', async () => {
    await say([await exclusion(board, personOf(carol))], alice.who, board);
    expect([await takesPart(), await takesPart(board)]).toEqual([false, false]);
  });

  it('is of one bridge’s person: another bridge’s of the same id is somebody else', async () => {
    await say([await exclusion(weekly, { iss: 'https://bridge.globex.example', sub: carol.who.sub })]);
    expect(await takesPart()).toBe(true);
    expect(await read((query) => isExcluded(query, weekly.group, personOf(carol)))).toBe(false);
  });

  it('says to whom it names that they are excluded', async () => {
    await say([await exclude()]);
    const view = groups.views.view(carol.who, refOf(weekly), contextOf(carol.who));
    await expectCode(view, 'group_excluded');
  });

  it('leaves an event each', async () => {
    await say([await exclude(), await exclude({ act: 'readmit' })]);
    const said = (await parts.eventsSoFar()).filter(({ type }) => type.startsWith('group.person_'));
    expect(said.map(({ type, data }) => [type, data])).toEqual([
      ['group.person_excluded', { iss: parts.signer.iss, member: carol.who.sub }],
      ['group.person_readmitted', { iss: parts.signer.iss, member: carol.who.sub }],
    ]);
  });

  it('stands as it is when it is sent again', async () => {
    const token = await exclude();
    await say([token]);
    expect((await say([token])).exclusions).toEqual([token]);
    expect((await parts.eventsSoFar()).filter(({ type }) => type === 'group.person_excluded')).toHaveLength(
      1,
    );
  });

  it('counts once: an old readmission cannot take a newer exclusion back', async () => {
    const readmission = await exclude({ act: 'readmit' });
    await say([await exclude()]);
    await say([readmission]);
    await say([await exclude()]);
    await expectCode(say([readmission]), 'replayed');
    expect(await takesPart()).toBe(false);
  });

  it('leaves no row of whoever is not excluded, once it cannot be sent again', async () => {
    const rows = () =>
      read((query) => query.selectFrom('group_exclusions').select(['sub', 'act']).orderBy('sub').execute());
    const readmit = (sub: string) =>
      exclusion(weekly, { iss: parts.signer.iss, sub }, { act: 'readmit', iat: now() });
    const first = await readmit('a');
    await say([first, await readmit('b'), await exclude()]);
    parts.clock.advance(359);
    await say([first, await readmit('c')]);
    expect(await rows()).toHaveLength(4);
    parts.clock.advance(2);
    await say([await readmit('d')]);
    expect(await rows()).toEqual(
      [
        { sub: carol.who.sub, act: 'exclude' },
        { sub: 'c', act: 'readmit' },
        { sub: 'd', act: 'readmit' },
      ].sort((a, b) => (a.sub < b.sub ? -1 : 1)),
    );
    await expectCode(say([first]), 'jws_expired');
  });

  it('is for five thousand people at once, and so is a readmission', async () => {
    const act = 'readmit';
    await parts.database.transaction(async (tx) => {
      for (let index = 0; index < EXCLUSIONS; index += 1) {
        await saveExclusion(tx, {
          ...{ group_id: weekly.group, iss: parts.signer.iss, sub: `s${index}`, act, hash: `h${index}` },
          ...{ token: '', signer_sub: alice.who.sub, device_id: '', iat: now() },
        });
      }
    });
    await say([await exclude()]);
    await expectCode(say([await exclude({ act })]), 'group_limit');
    expect(await takesPart()).toBe(false);
  });

  it('is refused when it is old, or of a time ahead of ours', async () => {
    await expectCode(say([await exclude({ iat: now() - 360 })]), 'jws_expired');
    await expectCode(say([await exclude({ iat: now() + 120 })]), 'jws_not_yet_valid');
  });

  it('is refused from a member, from another device, and for another group or bridge', async () => {
    const own = await exclusion(weekly, personOf(alice), {}, carol.device.sig);
    await expectCode(say([own], carol.who), 'group_not_admin');
    await expectCode(say([await exclusion(weekly, personOf(carol), {}, bob.device.sig)]), 'jws_unknown_key');
    await expectCode(say([await exclusion(board, personOf(carol))]), 'group_key_mismatch');
    await expectCode(say([await exclude({ iss: 'https://bridge.globex.example' })]), 'group_key_mismatch');
  });

  it('is refused when its admin was taken out in between', async () => {
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) =>
        tx.deleteFrom('group_admins').where('sub', '=', bob.who.sub).execute(),
      ),
    );
    const token = await exclusion(weekly, personOf(carol), {}, bob.device.sig);
    await expectCode(say([token], bob.who), 'group_unknown');
    expect(await takesPart()).toBe(true);
  });
});

describe('ending a meeting', () => {
  const end = (who = alice.who, made = weekly) => groups.endings.end(who, made.group, contextOf(who));
  const left = async () => ({
    group: await read((query) =>
      query.selectFrom('groups').selectAll().where('group_id', '=', weekly.group).executeTakeFirstOrThrow(),
    ),
    members: await read((query) =>
      query.selectFrom('group_members').selectAll().where('group_id', '=', weekly.group).execute(),
    ),
    vaults: await read((query) =>
      query.selectFrom('group_admins').select('vault').where('group_id', '=', weekly.group).execute(),
    ),
  });

  it('deletes its share, its transform keys and its vaults, and raises its generation', async () => {
    expect((await end()).status).toBe('ended');
    const { group, members, vaults } = await left();
    expect(group).toMatchObject({ status: 'ended', share: null, generation: 1, ended: now() });
    expect(members).toEqual([]);
    expect(vaults).toEqual([{ vault: null }, { vault: null }]);
    expect(await takesPart()).toBe(false);
    const event = (await parts.eventsSoFar()).find(({ type }) => type === 'group.ended');
    expect(event).toMatchObject({
      subject: { sub: alice.who.sub, group: weekly.group },
      data: { reason: 'by an admin', transform_keys: 1 },
    });
  });

  it('is answered the same when it is done again, and takes nothing more away', async () => {
    await end();
    expect((await end(bob.who)).status).toBe('ended');
    expect((await parts.eventsSoFar()).filter(({ type }) => type === 'group.ended')).toHaveLength(1);
  });

  it('is for its admins, and for meetings alone', async () => {
    await expectCode(end(carol.who), 'group_not_admin');
    await expectCode(end(alice.who, board), 'malformed_request');
    expect(await takesPart()).toBe(true);
  });

  it('is not undone by anything: nobody is added, nothing renewed or opened afterwards', async () => {
    await end();
    await expectCode(add(weekly, memberOf(carol)), 'group_ended');
    await expectCode(say([await exclude()]), 'group_ended');
    const opening = groups.keys.openVault(alice.who, weekly.group, contextOf(alice.who));
    await expectCode(opening, 'group_ended');
    const view = groups.views.view(carol.who, refOf(weekly), contextOf(carol.who));
    await expectCode(view, 'group_ended');
  });

  it('happens by itself once its time is over', async () => {
    parts.clock.advance(3599);
    expect(await groups.endings.expire()).toBe(0);
    parts.clock.advance(1);
    expect(await groups.endings.expire()).toBe(1);
    expect((await left()).group).toMatchObject({ status: 'ended', share: null });
    expect(await read((query) => findMember(query, board.group, personOf(carol)))).toBeDefined();
    const event = (await parts.eventsSoFar()).find(({ type }) => type === 'group.ended');
    expect(event).toMatchObject({ actor: { kind: 'system' }, data: { reason: 'its time is over' } });
  });

  it('beats an addition that was checked before it', async () => {
    const body = await additions(parts.engine, weekly, [memberOf(carol)]);
    interruption.beforeNextTransaction(() => end(bob.who));
    const adding = groups.members.change(alice.who, weekly.group, body, contextOf(alice.who));
    await expectCode(adding, 'group_ended');
    expect((await left()).members).toEqual([]);
  });

  it('is followed after a month by forgetting all of it, and of nothing else', async () => {
    await say([await exclude()]);
    await end();
    parts.clock.advance(30 * 86_400 + 1);
    await groups.endings.purge();
    for (const table of ['groups', 'group_tokens', 'group_admins', 'group_membership_tokens'] as const) {
      const rows = await read((query) => query.selectFrom(table).select('group_id').execute());
      expect(new Set(rows.map(({ group_id }) => group_id))).toEqual(new Set([board.group]));
    }
    expect(await read((query) => query.selectFrom('group_exclusions').selectAll().execute())).toEqual([]);
  });
});

const refOf = ({ claims, group }: MadeGroup) => ({ iss: claims.iss, group });
