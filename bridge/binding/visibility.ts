import { parseAddress } from '../../protocol/address.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import type { Action, Resource } from '../policy/decision.ts';
import type { Policy } from '../policy/policy.ts';
import type { DescribedPerson } from './credential-store.ts';
import { type AskingParty, requestBy } from './permission.ts';

/** An address with whose it is, as its newest statement says: found without asking the directory. */
export function addressResource({
  address,
  sub,
  assurance,
}: Pick<KeyStatement, 'address' | 'sub' | 'assurance'>): Resource {
  return { kind: 'address', id: address, owner: sub, domain: parseAddress(address).domain, assurance };
}

/** An address of which nothing is known here but where it is: nobody's, or of another company. */
export function unknownAddress(address: string): Resource {
  return { kind: 'address', id: address, domain: parseAddress(address).domain };
}

/** What one asker may see of whom, for as long as one request takes: an answer holds for all of whom the same is known. */
export interface Visibility {
  /** Whether they may know that somebody has, or had, a key at this address. */
  finds(address: Resource): boolean;
  seesName(person: DescribedPerson): boolean;
  seesSignIn(person: DescribedPerson): boolean;
}

export type AskedPolicy = Pick<Policy, 'decide' | 'readsIds'>;

export function visibilityFor(policy: AskedPolicy, asker: AskingParty): Visibility {
  const finds = decidedOnce(policy, asker, 'find');
  const seesName = decidedOnce(policy, asker, 'see-name');
  const seesSignIn = decidedOnce(policy, asker, 'see-sign-in');
  return {
    finds,
    seesName: (person) => seesName(personResource(person)),
    seesSignIn: (person) => seesSignIn(personResource(person)),
  };
}

function personResource({ sub, assurance }: DescribedPerson): Resource {
  return { kind: 'person', id: sub, owner: sub, assurance };
}

/** A thousand addresses of one company are few questions, unless a policy names somebody. */
function decidedOnce(policy: AskedPolicy, asker: AskingParty, action: Action): (about: Resource) => boolean {
  const decide = (resource: Resource) =>
    policy.decide(requestBy(asker, { action, resource })).effect === 'allow';
  if (policy.readsIds(action)) return decide;
  const known = new Map<string, boolean>();
  return (resource) => {
    const isOwn = resource.owner === asker.principal.id;
    const facts = `${isOwn} ${resource.domain} ${resource.assurance}`;
    const allowed = known.get(facts) ?? decide(resource);
    known.set(facts, allowed);
    return allowed;
  };
}
