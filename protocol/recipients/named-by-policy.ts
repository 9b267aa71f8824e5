import { CountersignError, isCountersignError } from '../errors.ts';
import type { Recipients } from './api.ts';
import { type AnnotatedPolicy, readAnnotatedPolicies } from './cedar-annotations.ts';
import {
  isSameRecipient,
  type NamedRecipient,
  nameRecipients,
  parseRecipientTerms,
  type RecipientNames,
  type RecipientTerm,
} from './terms.ts';

/**
 * Holds a bridge’s choice of recipients against the policy that it names, as that stands in a verified bundle: exactly
 * these, nobody more and nobody less. `policies` are the bundle’s texts. Answers the policy. Throws
 * `policy_bundle_invalid` for a bundle that has no such permit, `bridge_invalid` for other recipients than its.
 */
export function assertNamedByPolicy(
  policies: Readonly<Record<string, string>>,
  { policy: id, recipients }: Pick<Recipients, 'policy' | 'recipients'>,
  names: RecipientNames,
): AnnotatedPolicy {
  const policy = findPolicy(policies, id);
  const named = nameRecipients(readTerms(policy, id), names);
  const shown = recipients.map((each): NamedRecipient => ('group' in each ? each.group : each));
  const isEach = (left: readonly NamedRecipient[], right: readonly NamedRecipient[]) =>
    left.every((each) => right.some((other) => isSameRecipient(each, other)));
  if (shown.length !== named.length || !isEach(shown, named) || !isEach(named, shown)) {
    throw new CountersignError('bridge_invalid', `the bridge names other recipients than the policy ${id}`);
  }
  return policy;
}

function findPolicy(policies: Readonly<Record<string, string>>, id: string): AnnotatedPolicy {
  const found = Object.values(policies)
    .flatMap(readAnnotatedPolicies)
    .filter(({ annotations }) => annotations.get('id') === id);
  const [policy, twice] = found;
  if (policy?.effect !== 'permit' || twice !== undefined) {
    throw new CountersignError('policy_bundle_invalid', `it has no permit ${id}, or several`);
  }
  return policy;
}

function readTerms({ annotations }: AnnotatedPolicy, id: string): readonly RecipientTerm[] {
  const text = annotations.get('recipients');
  try {
    if (text !== undefined) return parseRecipientTerms(text);
  } catch (error) {
    if (!isCountersignError(error, 'claims_invalid')) throw error;
  }
  throw new CountersignError('policy_bundle_invalid', `its policy ${id} names no recipients`);
}
