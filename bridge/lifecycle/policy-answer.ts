import type { DataKind } from '../../protocol/recipients/data-kind.ts';
import type { RecipientTerm } from '../../protocol/recipients/terms.ts';
import type { CompiledPolicy } from '../policy/content/compile-policy.ts';
import { decideRecipients } from '../policy/content/recipients.ts';
import type { DecisionRequest } from '../policy/decision.ts';

/** What a trial asks of a policy. */
export type Judged = Pick<CompiledPolicy, 'decide' | 'policies' | 'lifetimes' | 'recipients' | 'readsIds'>;

/**
 * What a policy answers to a request: `undefined` where it refuses, and else the recipients, where it is asked for those.
 * Which of two rules names the same ones makes no difference to anybody.
 */
export function answerOf(policy: Judged, request: DecisionRequest): string | undefined {
  const { action, principal, resource, context } = request;
  if (action !== 'receive') return policy.decide(request).effect === 'allow' ? ALLOWED : undefined;
  const data: DataKind = { category: resource.category ?? '', sensitivity: resource.sensitivity ?? '' };
  const { rule } = decideRecipients(policy, { principal, context }, data);
  return rule?.terms.map(written).sort().join(', ');
}

const ALLOWED = 'allowed';

/** As the files of the policy write it. */
function written(term: RecipientTerm): string {
  if (term.kind === 'group') return `group:${term.group}`;
  return term.kind === 'asker' ? '%LOGGED_IN_USER%' : '%USER%';
}

/** Where no policy is in force, everything is refused. */
export const DENIES_ALL: Judged = {
  decide: () => ({ effect: 'deny', policy: 'engine-failed', reason: '', hash: '', policies: [] }),
  ...{ policies: [], recipients: new Map(), readsIds: () => false },
  lifetimes: {
    ...{ binding: () => 0, deviceBinding: () => 0 },
    ...{ personKeys: 0, groupKeys: 0, lookUpMaxAge: 0, meeting: 0 },
  },
};
