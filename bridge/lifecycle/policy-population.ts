import type { DataKind } from '../../protocol/recipients/data-kind.ts';
import { requestBy, THE_PUBLIC } from '../binding/permission.ts';
import { type KindOfPeople, kindsOfPeople, listInhabitants } from '../directory/population.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import { listPartners, type Partner } from '../federation/partner-store.ts';
import { TRIAL_ASKERS, TRIAL_PAGE } from '../lib/limits.ts';
import type { Resource } from '../policy/decision.ts';
import type { Database } from '../storage/database.ts';
import { questionsOfAdministrators, type TrialAdministrator } from './population-administrators.ts';
import { questionsOfGroups } from './population-groups.ts';
import { questionsOfKind } from './population-kinds.ts';
import { questionsOfPartner } from './population-partners.ts';
import { questionsOfPerson } from './population-people.ts';
import { type Asker, type Looked, MULTI_FACTOR, SOMEBODY, type TrialQuestion } from './trial-question.ts';

export interface PopulationDeps {
  readonly database: Database;
  readonly iss: string;
  readonly administrators: () => Promise<readonly TrialAdministrator[]>;
  readonly connections: () => Promise<readonly Connection[]>;
}

interface Connection {
  readonly id: string;
  readonly name: string;
  readonly status: 'draft' | 'tested' | 'active' | 'disabled';
}

/**
 * Everything that is asked about who is there at present: in pages, so that none holds the store for long. `data`: of which
 * it is asked who its recipients are.
 */
export async function* populationQuestions(
  deps: PopulationDeps,
  looked: Looked,
  data: readonly DataKind[],
): AsyncGenerator<Iterable<TrialQuestion>> {
  const { database, iss } = deps;
  const administrators = await deps.administrators();
  looked.administrators = administrators.length;
  yield questionsOfAdministrators(administrators);
  const connections = await deps.connections();
  looked.connections = connections.length;
  yield connections.map(signInThrough);

  const partners = (await database.read(listPartners)).filter(({ status }) => status === 'active');
  looked.partners = partners.length;
  const kinds = await database.read(kindsOfPeople);
  if (kinds.length > TRIAL_ASKERS) {
    looked.notLookedAt.push(`what ${kinds.length - TRIAL_ASKERS} of the kinds of people could do`);
  }
  for (const kind of kinds.slice(0, TRIAL_ASKERS)) yield questionsOfKind(kind, { iss, data });
  const askers = createAskers(kinds, partners, looked);
  yield [publicLookUp(iss)];
  for (const partner of partners) yield questionsOfPartner(partner, { iss, askers });
  for (let after = ''; ; ) {
    const page = await database.read((query) => listInhabitants(query, { after, limit: TRIAL_PAGE }));
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.sub;
    for (const person of page) {
      yield questionsOfPerson(person, askers);
      looked.people += 1;
    }
  }
  yield* questionsOfGroups(deps, partners, looked);
}

function createAskers(kinds: readonly KindOfPeople[], partners: readonly Partner[], looked: Looked): Asker[] {
  const assurances = [...new Set(kinds.map(({ assurance }) => assurance))];
  const askers: Asker[] = [
    ...assurances.map((assurance): Asker => {
      const connection = kinds.find((kind) => kind.assurance === assurance)?.connection;
      const known = connection === undefined ? {} : { connection };
      const principal = { kind: 'person', id: SOMEBODY, assurance, endorsed: true, ...known } as const;
      return { principal, context: { signIn: MULTI_FACTOR }, words: `${assurance}s of the company` };
    }),
    { ...THE_PUBLIC, words: 'the public' },
    ...partners.map((partner): Asker => ({ ...askingPartner(partner), words: partner.entity_id })),
  ];
  if (askers.length > TRIAL_ASKERS) {
    looked.notLookedAt.push(`whom ${askers.length - TRIAL_ASKERS} of the partners could find`);
  }
  if (new Set(kinds.map(({ connection }) => connection)).size > 1) {
    looked.notLookedAt.push(
      'askers of one kind who sign in through different connections: one of these was taken',
    );
  }
  return askers.slice(0, TRIAL_ASKERS);
}

function publicLookUp(iss: string): TrialQuestion {
  const resource: Resource = { kind: 'bridge', id: iss };
  return {
    topic: {
      action: 'look-up-as-public',
      noun: ['bridge', 'bridges'],
      doing: 'be asked for keys by the public',
    },
    request: requestBy(THE_PUBLIC, { action: 'look-up-as-public', resource }),
    ...{ facts: iss, example: iss },
  };
}

function signInThrough({ id, name, status }: Connection): TrialQuestion {
  return {
    topic: {
      ...{ action: 'sign-in', noun: ['connection', 'connections'] },
      doing: 'be signed in through',
    },
    request: {
      ...{ action: 'sign-in', principal: { kind: 'anonymous', id: 'anonymous' } },
      ...{ resource: { kind: 'connection', id }, context: { connectionStatus: status } },
    },
    facts: status,
    example: name,
  };
}
