import { kindsOfPeople, listInhabitants } from '../directory/population.ts';
import { listPartners, type Partner } from '../federation/partner-store.ts';
import { TRIAL_ASKERS, TRIAL_PAGE } from '../lib/limits.ts';
import { administratorRequest } from '../policy/administrator-request.ts';
import {
  ADMINISTRATOR_ACTIONS,
  type AdministratorAction,
  type AdministratorRole,
} from '../policy/decision.ts';
import type { Database } from '../storage/database.ts';
import { questionsOfGroups } from './population-groups.ts';
import { questionsOfPerson } from './population-people.ts';
import {
  type Asker,
  type Looked,
  MULTI_FACTOR,
  partnerOf,
  SOMEBODY,
  type TrialQuestion,
} from './trial-question.ts';

export interface PopulationDeps {
  readonly database: Database;
  readonly iss: string;
  readonly administrators: () => Promise<
    readonly { readonly id: string; readonly name: string; readonly roles: readonly AdministratorRole[] }[]
  >;
  readonly connections: () => Promise<readonly Connection[]>;
}

interface Connection {
  readonly id: string;
  readonly name: string;
  readonly status: 'draft' | 'tested' | 'active' | 'disabled';
}

/** Everything that is asked about who is there at present: in pages, so that none holds the store for long. */
export async function* populationQuestions(
  deps: PopulationDeps,
  looked: Looked,
): AsyncGenerator<Iterable<TrialQuestion>> {
  const { database } = deps;
  const administrators = await deps.administrators();
  looked.administrators = administrators.length;
  for (const each of administrators) yield ofAdministrator(each);
  const connections = await deps.connections();
  looked.connections = connections.length;
  yield connections.map(signInThrough);

  const partners = (await database.read(listPartners)).filter(({ status }) => status === 'active');
  looked.partners = partners.length;
  const askers = await readAskers(database, partners, looked);
  for (const partner of partners) yield ofPartner(partner, askers);
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

async function readAskers(
  database: Database,
  partners: readonly Partner[],
  looked: Looked,
): Promise<Asker[]> {
  const kinds = await database.read(kindsOfPeople);
  const assurances = [...new Set(kinds.map(({ assurance }) => assurance))];
  const askers: Asker[] = [
    ...assurances.map((assurance): Asker => {
      const connection = kinds.find((kind) => kind.assurance === assurance)?.connection;
      const known = connection === undefined ? {} : { connection };
      const principal = { kind: 'person', id: SOMEBODY, assurance, endorsed: true, ...known } as const;
      return { principal, words: `${assurance}s of the company` };
    }),
    ...partners.map((partner): Asker => ({ principal: partnerOf(partner), words: partner.entity_id })),
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

function* ofPartner(partner: Partner, askers: readonly Asker[]): Generator<TrialQuestion> {
  for (const domain of partner.domains) {
    for (const { principal, words } of askers.filter((asker) => asker.principal.kind === 'person')) {
      yield {
        topic: {
          ...{ action: 'find', noun: ['domain of a partner', 'domains of partners'] },
          doing: `be looked up by ${words}`,
        },
        request: {
          ...{ action: 'find', principal, context: { signIn: MULTI_FACTOR } },
          resource: { kind: 'address', id: `${SOMEBODY}@${domain}`, domain },
        },
        facts: `foreign ${words} ${domain}`,
        example: domain,
      };
    }
  }
}

function* ofAdministrator({
  id,
  name,
  roles,
}: Awaited<ReturnType<PopulationDeps['administrators']>>[number]): Generator<TrialQuestion> {
  for (const action of ADMINISTRATOR_ACTIONS) {
    yield {
      topic: { action, noun: ['administrator', 'administrators'], doing: `do what “${action}” stands for` },
      request: administratorRequest(action, { id, roles }, aboutAdministration(action)),
      facts: roles.join(),
      example: name,
    };
  }
}

/** Of each action as a route asks it. */
function aboutAdministration(action: AdministratorAction): Parameters<typeof administratorRequest>[2] {
  if (action === 'erase-person' || action === 'manage-persons') return { path: { sub: SOMEBODY } };
  if (action === 'approve-policy') return { facts: { approvals: 0, administrators: 2, author: false } };
  if (action === 'activate-policy') return { facts: { approvals: 1, administrators: 2, author: false } };
  return {};
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
