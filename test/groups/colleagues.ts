import type { Groups } from '../../bridge/groups/services.ts';
import { Interruption } from '../binding/interruption.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { type Enrolled, enrol } from '../fakes/client-side.ts';
import { groupsOf, type MadeGroup, makeGroup } from '../fakes/group-side.ts';

/** Three people of one company, and a durable group of Alice's which Bob administers too. */
export interface Colleagues {
  readonly parts: BridgeParts;
  readonly groups: Groups;
  readonly alice: Enrolled;
  readonly bob: Enrolled;
  readonly carol: Enrolled;
  readonly board: MadeGroup;
  /** Between what was checked, or transformed, and the transaction that looks again. */
  readonly interruption: Interruption;
}

export async function gatherColleagues(): Promise<Colleagues> {
  const interruption = new Interruption();
  const parts = await bridgeParts({ replace: ({ database }) => ({ database: interruption.of(database) }) });
  const groups = groupsOf(parts);
  const join = async (name: string) =>
    enrol(parts, await parts.addPerson({ addresses: [`${name}@acme.example`] }));
  const [alice, bob, carol] = [await join('alice'), await join('bob'), await join('carol')];
  const board = await makeGroup({ parts, groups }, alice, { admins: [alice.who.sub, bob.who.sub] });
  return { parts, groups, alice, bob, carol, board, interruption };
}
