import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Groups } from '../../bridge/groups/services.ts';
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
});
