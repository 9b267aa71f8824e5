import { POLICY_SETS_PARSED } from '../../lib/limits.ts';
import { preparsePolicySet } from './cedar.ts';

/** Which set has which of Cedar's names; the one that was not used for the longest time comes first. */
const holders = new Map<string, object>();

/**
 * A set of policies, by id, that Cedar keeps parsed, under a name that is borrowed: Cedar keeps what was given a name
 * until another set is given the same one, and has no way to forget. Answers the name for the next call; a set that was
 * not asked for long may have to be parsed again. Throws what Cedar says when it does not parse.
 */
export function keepParsed(policies: Readonly<Record<string, string>>): () => string {
  const holder = {};
  let name = '';
  return () => {
    if (holders.get(name) !== holder) name = parseUnderFreeName(policies);
    holders.delete(name);
    holders.set(name, holder);
    return name;
  };
}

function parseUnderFreeName(policies: Readonly<Record<string, string>>): string {
  const [oldest = ''] = holders.keys();
  const name = holders.size < POLICY_SETS_PARSED ? `policies-${holders.size}` : oldest;
  const answer = preparsePolicySet(name, { staticPolicies: { ...policies } });
  if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join('; '));
  return name;
}
