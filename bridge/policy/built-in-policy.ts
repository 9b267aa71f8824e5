import { labelled } from '../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { BUILT_IN_RULES, type Rule, type RuleSettings } from './built-in-rules.ts';
import type { Decide, Decision } from './decision.ts';
import type { Lifetimes, Policy } from './policy.ts';

/** The built-in policy under an operator's settings. Deny by default; a `forbid` wins over every `permit`. */
export function createBuiltInPolicy(settings: RuleSettings, rules: readonly Rule[] = BUILT_IN_RULES): Policy {
  const document = labelled('policy', {
    engine: 'built-in/v1',
    settings: { ...settings },
    rules: rules.map(({ id, effect, reason }) => ({ id, effect, reason })),
  });
  const hash = sha256Base64url(document);
  return {
    decide: (request) => ({ ...decide(rules, settings, request), hash, policies: [] }),
    ...{ document, hash, lifetimes: LIFETIMES },
  };
}

function decide(
  rules: readonly Rule[],
  settings: RuleSettings,
  request: Parameters<Decide>[0],
): Omit<Decision, 'hash' | 'policies'> {
  const applying = rules.filter((rule) => rule.applies(request, settings));
  const deciding = applying.find((rule) => rule.effect === 'forbid') ?? applying[0];
  if (deciding === undefined) {
    return { effect: 'deny', policy: 'no-permit', reason: `No policy permits ${request.action} here.` };
  }
  const effect = deciding.effect === 'permit' ? 'allow' : 'deny';
  return { effect, policy: deciding.id, reason: deciding.reason };
}

const DAY = 86_400;
const LIFETIMES: Lifetimes = {
  binding: () => DAY,
  deviceBinding: () => DAY,
  ...{ personKeys: 365 * DAY, groupKeys: 365 * DAY, lookUpMaxAge: 300, meeting: 30 * DAY },
};
