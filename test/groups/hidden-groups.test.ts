import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Groups } from '../../bridge/groups/services.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import type { Enrolled } from '../fakes/client-side.ts';
import { groupsOf, type MadeGroup, makeGroup } from '../fakes/group-side.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { policyText, withFile } from '../policy/policy-texts.ts';
import { gatherColleagues } from './colleagues.ts';

const hidesTheBoard = testPolicy({
  change: () =>
    withFile(
      policyText(
        'the-board-is-hidden',
        `forbid (principal, action == Countersign::Action::"see-group", resource is Countersign::Group)
         when { resource has label && resource.label == "Board" }`,
      ),
    ),
});

const hidesForeignGroups = testPolicy({
  change: () =>
    withFile(
      policyText(
        'no-foreign-groups',
        'forbid (principal, action == Countersign::Action::"see-foreign-group", resource is Countersign::Group)',
      ),
    ),
});

let parts: BridgeParts;
let groups: Groups;
let alice: Enrolled;
let board: MadeGroup;

beforeEach(async () => {
  ({ parts, groups, alice, board } = await gatherColleagues());
});
afterEach(() => parts.remove());

describe('a group that policy does not let its admin see', () => {
  it('does not stand in the list of their groups, where the others do', async () => {
    const other = await makeGroup({ parts, groups }, alice, { label: 'Choir' });
    const listed = async (by: Groups) => (await by.views.list(alice.who)).groups.map(({ group }) => group);
    expect((await listed(groups)).sort()).toEqual([board.group, other.group].sort());
    expect(await listed(groupsOf(parts, { policy: hidesTheBoard }))).toEqual([other.group]);
  });

  it('is one of which they are not told who is in it, here or at a partner', async () => {
    const people = [{ iss: board.claims.iss, sub: alice.who.sub }];
    const find = (by: Groups, iss: string) => by.members.find(alice.who, { iss, group: board.group, people });
    await expectCode(find(groupsOf(parts, { policy: hidesTheBoard }), board.claims.iss), 'forbidden');
    const hiding = groupsOf(parts, { policy: hidesForeignGroups });
    await expectCode(find(hiding, 'https://bridge.globex.example'), 'forbidden');
  });
});
