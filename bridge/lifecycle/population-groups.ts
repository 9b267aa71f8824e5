import { findPersons } from '../directory/persons.ts';
import type { Partner } from '../federation/partner-store.ts';
import { listParticipants, type Participants } from '../groups/participants.ts';
import { TRIAL_PAGE } from '../lib/limits.ts';
import type { Action, Principal, Resource } from '../policy/decision.ts';
import type { Database } from '../storage/database.ts';
import { type Looked, MULTI_FACTOR, partnerOf, type TrialQuestion } from './trial-question.ts';

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
      yield ofGroup(group, await principalsOf(database, group, partners, iss));
    }
    looked.groups += page.length;
  }
  if (nested > 0) looked.notLookedAt.push('who takes part in a group by being in another group');
}

/** Who could ask for a place in the group: a person of ours who is active, or their partner. */
async function principalsOf(
  database: Database,
  { admins, members }: Participants,
  partners: readonly Partner[],
  iss: string,
): Promise<{ principal: Principal; groupRole: 'admin' | 'member' }[]> {
  const own = members.filter((member) => member.iss === iss).map(({ sub }) => sub);
  const persons = await database.read((query) => findPersons(query, [...admins, ...own]));
  const foreign = members.flatMap((member) => partners.filter(({ entity_id }) => entity_id === member.iss));
  return [
    ...persons
      .filter(({ status }) => status === 'active')
      .map(({ sub: id, assurance }) => ({
        principal: { kind: 'person', id, assurance, endorsed: true } as const,
        groupRole: admins.includes(id) ? ('admin' as const) : ('member' as const),
      })),
    ...foreign.map((partner) => ({ principal: partnerOf(partner), groupRole: 'member' as const })),
  ];
}

function* ofGroup(
  { group_id: id, kind: groupKind, label }: Participants,
  taking: Awaited<ReturnType<typeof principalsOf>>,
): Generator<TrialQuestion> {
  const resource: Resource = { kind: 'group', id, groupKind, label };
  const actions: readonly Action[] = groupKind === 'meeting' ? ['join-meeting', 'open-key'] : ['open-key'];
  for (const { principal, groupRole } of taking) {
    const who = principal.kind === 'person' ? principal.assurance : principal.id;
    for (const action of actions) {
      yield {
        topic: {
          ...{ action, noun: ['place in a group', 'places in groups'] },
          doing: action === 'open-key' ? 'be used to open its keys' : 'be used to join its meeting',
        },
        request: { action, principal, resource, context: { groupRole, signIn: MULTI_FACTOR } },
        facts: JSON.stringify([principal.kind, who, groupRole, groupKind, label]),
        example: `“${label}”`,
      };
    }
  }
}
