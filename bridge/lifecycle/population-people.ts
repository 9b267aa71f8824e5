import type { Inhabitant } from '../directory/population.ts';
import type { Action, DecisionContext, Principal, Resource, SignInFacts } from '../policy/decision.ts';
import type { Topic } from './trial-findings.ts';
import { type Asker, MULTI_FACTOR, SOMEBODY, type TrialQuestion } from './trial-question.ts';

const PEOPLE = ['person', 'people'] as const;

/** Who finds a person and what they see of them; and what the person may do about their own keys. */
export function* questionsOfPerson(person: Inhabitant, askers: readonly Asker[]): Generator<TrialQuestion> {
  const { sub, assurance } = person;
  const [primary] = person.addresses;
  const example = primary?.address ?? person.name ?? sub;
  const itself: Resource = { kind: 'person', id: sub, owner: sub, assurance };
  for (const { principal, context, words } of askers) {
    const who = `${principal.kind} ${principal.id} ${words}`;
    const ask = (action: Action, resource: Resource, doing: string): TrialQuestion => ({
      topic: { action, noun: PEOPLE, doing },
      request: { action, principal, resource, context },
      facts: `${who} ${assurance} ${resource.domain ?? ''}`,
      example,
    });
    if (primary !== undefined) {
      const { address: id, domain } = primary;
      yield ask('find', { kind: 'address', id, owner: sub, domain, assurance }, `be found by ${words}`);
    }
    yield ask('see-name', itself, `be seen by name by ${words}`);
    yield ask('see-sign-in', itself, `be seen with the strength of their sign-in by ${words}`);
    if (principal.kind === 'anonymous') continue;
    yield ask('seal-key', itself, `have keys sealed to them by ${words}`);
  }
  yield* ofOwnKeys(person, example);
}

/** Ways of signing in that policies tell apart. What people really do next is not known. */
export const SIGN_INS: readonly (readonly [words: string, facts: SignInFacts])[] = [
  ['after a sign-in with several factors just now', MULTI_FACTOR],
  ['after a sign-in with several factors a day ago', { ...MULTI_FACTOR, age: 86_400 }],
  [
    'after a sign-in with one factor just now',
    { protocol: 'oidc', amr: ['pwd'], age: 0, multiFactor: false },
  ],
];

function* ofOwnKeys(person: Inhabitant, example: string): Generator<TrialQuestion> {
  const { sub, assurance, enrolled, devices } = person;
  const [primary] = person.addresses;
  const connection = primary === undefined ? {} : { connection: primary.connection };
  /** What they do from a device that is not theirs yet, unless it says otherwise. */
  const principal: Principal = { kind: 'person', id: sub, assurance, endorsed: false, ...connection };
  const ask = (
    action: Action,
    resource: Resource,
    context: DecisionContext,
    topic: Omit<Topic, 'action'>,
    endorsed = false,
  ): TrialQuestion => ({
    ...{ topic: { ...topic, action }, example },
    request: { action, principal: { ...principal, endorsed }, resource, context },
    facts: JSON.stringify([assurance, endorsed, connection, resource.domain, context]),
  });
  const device: Resource = { kind: 'device', id: SOMEBODY, owner: sub };
  const itself: Resource = { kind: 'person', id: sub, owner: sub };
  for (const [words, signIn] of SIGN_INS) {
    const context = { devices, signIn };
    if (!enrolled && primary !== undefined) {
      const { address: id, domain } = primary;
      const address: Resource = { kind: 'address', id, owner: sub, domain, assurance };
      yield ask('enrol', address, context, { noun: PEOPLE, doing: `enrol ${words}` });
    }
    if (enrolled) {
      yield ask('request-device', device, context, { noun: PEOPLE, doing: `add another device ${words}` });
      yield ask('recover', itself, context, { noun: PEOPLE, doing: `recover their keys ${words}` });
    }
  }
  if (enrolled) {
    const topic = { noun: PEOPLE, doing: 'approve another device' };
    yield ask('approve-device', device, { devices, signIn: MULTI_FACTOR }, topic, true);
  }
  // Would each of the devices that are there have been let in, as the last one of so many?
  for (let before = devices - 1; before >= 0; before -= 1) {
    yield ask('request-device', device, { devices: before, signIn: MULTI_FACTOR }, OVER_THE_LIMIT);
  }
}

const OVER_THE_LIMIT: Omit<Topic, 'action'> = {
  noun: ['device', 'devices'],
  doing: 'be added',
  verbs: {
    lost: 'over the limit: what is there stays, and could not be added again',
    gained: 'within the limit again',
  },
};
