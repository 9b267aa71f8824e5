import { type Asked, type AskingParty, requestBy } from '../binding/permission.ts';
import { findInhabitants } from '../directory/population.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import type { Partner } from '../federation/partner-store.ts';
import { groupResource } from '../groups/group-resource.ts';
import { listParticipants, type Participants } from '../groups/participants.ts';
import { TRIAL_PAGE } from '../lib/limits.ts';
import type { DecisionContext } from '../policy/decision.ts';
import type { Database } from '../storage/database.ts';
import { type Looked, MULTI_FACTOR, SOMEBODY, type TrialQuestion } from './trial-question.ts';

/** What who takes part in a group may do there: our own people, and those of partners. */
export async function* questionsOfGroups(
  { database, iss }: { readonly database: Database; readonly iss: string },
  partners: readonly Partner[],
  looked: Looked,
): AsyncGenerator<Iterable<TrialQuestion>> {
  let nested = 0;
  for (let after = ''; ; ) {
    const page = await database.read((query) => listParticipants(query, { after, limit: TRIAL_PAGE }));
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.group_id;
    for (const group of page) {
      nested += group.groups;
      yield ofGroup(group, await askersOf(database, group, partners, iss));
    }
    looked.groups += page.length;
  }
  if (nested > 0) looked.notLookedAt.push('who takes part in a group by being in another group');
}

/** Who takes part, with what policy knows of them. */
interface TakingPart {
  readonly asker: AskingParty;
  readonly role: 'admin' | 'member';
}

/** Who could ask for a place in the group: a person of ours who is active, or their partner. */
async function askersOf(
  database: Database,
  { admins, members }: Participants,
  partners: readonly Partner[],
  iss: string,
): Promise<TakingPart[]> {
  const own = members.filter((member) => member.iss === iss).map(({ sub }) => sub);
  const persons = await database.read((query) => findInhabitants(query, [...admins, ...own]));
  const foreign = members.flatMap((member) => partners.filter(({ entity_id }) => entity_id === member.iss));
  return [
    ...persons.map(({ sub: id, assurance, addresses: [primary] }): TakingPart => {
      const connection = primary === undefined ? {} : { connection: primary.connection };
      const principal = { kind: 'person', id, assurance, endorsed: true, ...connection } as const;
      return {
        asker: { principal, context: { signIn: MULTI_FACTOR } },
        role: admins.includes(id) ? 'admin' : 'member',
      };
    }),
    ...foreign.map((partner): TakingPart => ({ asker: askingPartner(partner), role: 'member' })),
  ];
}

function* ofGroup(group: Participants, taking: readonly TakingPart[]): Generator<TrialQuestion> {
  const resource = groupResource(group);
  const facts = [group.kind, group.label];
  for (const { asker, role } of taking) {
    const { id, ...alike } = asker.principal;
    const who = asker.principal.kind === 'person' ? alike : id;
    for (const { action, doing, ...deed } of deedsInGroup(group.kind, asker, role)) {
      yield {
        topic: { action, noun: ['place in a group', 'places in groups'], doing: `be used to ${doing}` },
        request: requestBy(asker, { action, resource, facts: deed.facts }),
        facts: JSON.stringify([who, role, ...facts]),
        example: `“${group.label}”`,
      };
    }
  }
}

/** Whom admins add. What a rule says of one partner by its name is not tried. */
const ADDITIONS: readonly { readonly doing: string; readonly facts: DecisionContext }[] = [
  {
    doing: 'add a member of the company to it',
    facts: { memberKind: 'person', memberOwn: true, memberBridge: SOMEBODY, memberAssurance: 'member' },
  },
  {
    doing: 'add a guest of the company to it',
    facts: { memberKind: 'person', memberOwn: true, memberBridge: SOMEBODY, memberAssurance: 'guest' },
  },
  {
    doing: 'add somebody of a partner to it',
    facts: { memberKind: 'person', memberOwn: false, memberBridge: SOMEBODY },
  },
];

type DeedInGroup = Required<Pick<Asked, 'action' | 'facts'>> & { readonly doing: string };

/** What whoever takes part does there. Keys are opened as a member, whatever else one is. */
export function deedsInGroup(
  groupKind: 'meeting' | 'durable',
  { principal }: AskingParty,
  groupRole: 'admin' | 'member',
): DeedInGroup[] {
  const isOurs = principal.kind === 'person';
  const sealing = isOurs ? { groupRole, named: false } : { groupRole };
  return [
    { action: 'see-group', doing: 'see it', facts: { groupRole } },
    { action: 'seal-key', doing: 'seal keys to it', facts: sealing },
    { action: 'open-key', doing: 'open its keys', facts: { groupRole: 'member' } },
    ...(groupKind === 'meeting'
      ? ([{ action: 'join-meeting', doing: 'join its meeting', facts: { groupRole } }] as const)
      : []),
    ...(isOurs && groupRole === 'admin'
      ? ([
          { action: 'manage-group', doing: 'manage it', facts: { groupRole } },
          ...ADDITIONS.map(({ doing, facts }) => ({
            ...({ action: 'add-member', doing } as const),
            facts: { groupRole, ...facts },
          })),
        ] as const)
      : []),
  ];
}
