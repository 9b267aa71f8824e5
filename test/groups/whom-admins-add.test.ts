import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findNamedMember } from '../../bridge/groups/member-store.ts';
import type { Groups } from '../../bridge/groups/services.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { additions, groupsOf, type MadeGroup, memberOf, removals } from '../fakes/group-side.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { policyText, withFile } from '../policy/policy-texts.ts';
import { gatherColleagues } from './colleagues.ts';

const ADDING = 'principal, action == Countersign::Action::"add-member", resource';
const forbidding = (condition: string) =>
  testPolicy({ change: () => withFile(policyText('not-added', `forbid (${ADDING}) when { ${condition} }`)) });

const noGuests = forbidding('context has memberAssurance && context.memberAssurance == "guest"');
const ownAlone = forbidding(
  'resource has groupKind && resource.groupKind == "durable" && !context.memberOwn',
);

let parts: BridgeParts;
let groups: Groups;
let alice: Enrolled;
let bob: Enrolled;
let board: MadeGroup;

beforeEach(async () => {
  ({ parts, groups, alice, bob, board } = await gatherColleagues());
});
afterEach(() => parts.remove());

const add = async (by: Groups, member: ReturnType<typeof memberOf>) =>
  by.members.change(
    alice.who,
    board.group,
    await additions(parts.engine, board, [member]),
    contextOf(alice.who),
  );
const isIn = (sub: string, iss = parts.signer.iss) =>
  parts.database.read(
    async (query) =>
      (await findNamedMember(query, board.group, { kind: 'person', iss, member_id: sub })) !== undefined,
  );

async function becomesGuest({ who: { sub } }: Enrolled): Promise<void> {
  await parts.database.transaction((tx) =>
    tx.updateTable('persons').set({ assurance: 'guest' }).where('sub', '=', sub).execute(),
  );
}

describe('whom admins add to their group', () => {
  it('is decided by the assurance of a person of the company', async () => {
    const by = groupsOf(parts, { policy: noGuests });
    await add(by, memberOf(bob));
    expect(await isIn(bob.who.sub)).toBe(true);
    await groups.members.change(
      ...([alice.who, board.group, await removals(board, [memberOf(bob).member])] as const),
      contextOf(alice.who),
    );
    await becomesGuest(bob);
    await expectCode(add(by, memberOf(bob)), 'forbidden');
    expect(await isIn(bob.who.sub)).toBe(false);
  });

  it('is decided by the company that they are of', async () => {
    const by = groupsOf(parts, { policy: ownAlone });
    const { member, key } = memberOf(bob);
    const foreign = { member: { ...member, iss: 'https://bridge.globex.example' }, key };
    await expectCode(add(by, foreign), 'forbidden');
  });
});
