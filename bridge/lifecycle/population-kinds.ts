import type { DataKind } from '../../protocol/recipients/data-kind.ts';
import { type Asked, requestBy } from '../binding/permission.ts';
import type { KindOfPeople } from '../directory/population.ts';
import { dataResource } from '../policy/content/recipients.ts';
import type { Principal, Resource, SignInFacts } from '../policy/decision.ts';
import { deedsInGroup } from './population-groups.ts';
import { SIGN_INS } from './population-people.ts';
import { MULTI_FACTOR, SOMEBODY, someGroup, type TrialQuestion } from './trial-question.ts';

const KINDS = ['kind of people', 'kinds of people'] as const;
const KINDS_OF_DATA = ['kind of data', 'kinds of data'] as const;

interface Deed extends Asked {
  readonly doing: string;
}

/** What people do that is decided alike for all of one kind, whatever they have: it is asked once for each. */
export function* questionsOfKind(
  kind: KindOfPeople,
  { iss, data }: { readonly iss: string; readonly data: readonly DataKind[] },
): Generator<TrialQuestion> {
  const { assurance, connection, domain } = kind;
  const words = `${assurance}s of ${domain} through ${connection}`;
  const ask = ({ doing, ...asked }: Deed, signIn: SignInFacts, endorsed: boolean): TrialQuestion => {
    const principal: Principal = { kind: 'person', id: SOMEBODY, assurance, endorsed, connection };
    return {
      topic: { action: asked.action, noun: KINDS, doing },
      request: requestBy({ principal, context: { signIn } }, asked),
      facts: JSON.stringify([kind, endorsed, doing]),
      example: words,
    };
  };
  for (const [when, signIn] of SIGN_INS) {
    const asked = { action: 'enrol', resource: addressOf(kind), facts: { devices: 0 } } as const;
    yield ask({ ...asked, doing: `enrol somebody new ${when}` }, signIn, false);
  }
  for (const deed of deedsOf(kind, iss)) yield ask(deed, MULTI_FACTOR, true);
  for (const each of data) yield* ofData(each, words, ask);
}

const OWN_PERSON: Resource = { kind: 'person', id: SOMEBODY, owner: SOMEBODY };
const OWN_DEVICE: Resource = { kind: 'device', id: SOMEBODY, owner: SOMEBODY };

function addressOf({ assurance, domain }: KindOfPeople): Resource {
  return { kind: 'address', id: `${SOMEBODY}@${domain}`, owner: SOMEBODY, domain, assurance };
}

function deedsOf(kind: KindOfPeople, iss: string): Deed[] {
  return [
    ...ofThemselves(kind),
    { action: 'look-up', resource: { kind: 'bridge', id: iss }, doing: 'look addresses up' },
    ...inGroups(kind),
    ...elsewhere(),
  ];
}

function ofThemselves(kind: KindOfPeople): Deed[] {
  const own: Resource = { ...OWN_PERSON, assurance: kind.assurance };
  return [
    { action: 'open-vault', resource: OWN_PERSON, doing: 'open their vault' },
    { action: 'rotate-keys', resource: OWN_PERSON, doing: 'rotate their keys' },
    { action: 'rotate-keys', resource: OWN_DEVICE, doing: 'rotate the keys of a device' },
    { action: 'refuse-device', resource: OWN_DEVICE, doing: 'refuse a device' },
    { action: 'remove-device', resource: OWN_DEVICE, doing: 'remove a device' },
    { action: 'see-self', resource: OWN_PERSON, doing: 'see what stands there about them' },
    { action: 'see-self', resource: OWN_DEVICE, doing: 'see their requests for devices' },
    { action: 'see-self', resource: addressOf(kind), doing: 'see the history of their keys' },
    { action: 'report-finding', resource: addressOf(kind), doing: 'report what is wrong with their keys' },
    { action: 'open-key', resource: own, doing: 'open keys that were sealed to them' },
  ];
}

function inGroups({ assurance, connection }: KindOfPeople): Deed[] {
  const principal: Principal = { kind: 'person', id: SOMEBODY, assurance, connection, endorsed: true };
  const named = { groupRole: 'none', named: true } as const;
  const sealing = 'seal keys to a group that policy names';
  return [
    ...(['meeting', 'durable'] as const).flatMap((groupKind): Deed[] => {
      const of = groupKind === 'meeting' ? 'meetings' : 'durable groups';
      const own = { ...someGroup(groupKind), owner: SOMEBODY };
      return [
        { action: 'create-group', resource: own, doing: `make ${of}` },
        ...(['admin', 'member'] as const).flatMap((role) =>
          deedsInGroup(groupKind, { principal, context: {} }, role).map(
            (deed): Deed => ({
              ...deed,
              resource: someGroup(groupKind),
              doing: `${deed.doing}, as ${role}s of ${of}`,
            }),
          ),
        ),
      ];
    }),
    { action: 'seal-key', resource: someGroup('durable'), facts: named, doing: sealing },
  ];
}

/** What is asked of another bridge, which decides itself. */
function elsewhere(): Deed[] {
  const group: Resource = { kind: 'group', id: SOMEBODY };
  const person: Resource = { kind: 'person', id: `${SOMEBODY} else` };
  return [
    { action: 'see-foreign-group', resource: group, doing: 'see groups of other bridges' },
    { action: 'join-foreign-meeting', resource: group, doing: 'join meetings of other bridges' },
    { action: 'open-foreign-key', resource: group, doing: 'open keys of groups of other bridges' },
    { action: 'seal-foreign-key', resource: group, doing: 'seal keys to groups of other bridges' },
    { action: 'seal-foreign-key', resource: person, doing: 'seal keys to people of other bridges' },
  ];
}

function* ofData(
  data: DataKind,
  words: string,
  ask: (deed: Deed, signIn: SignInFacts, endorsed: boolean) => TrialQuestion,
): Generator<TrialQuestion> {
  const resource = dataResource(data);
  const asking = `have recipients where ${words} ask`;
  for (const action of ['resolve-recipients', 'receive'] as const) {
    const question = ask({ action, resource, doing: `${action} ${resource.id}` }, MULTI_FACTOR, true);
    const doing = action === 'receive' ? asking : `be asked about by ${words}`;
    yield { ...question, topic: { action, noun: KINDS_OF_DATA, doing }, example: resource.id };
  }
}
