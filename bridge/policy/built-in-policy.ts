import { labelled } from '../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { BUILT_IN_RULES, type Rule, type RuleSettings } from './built-in-rules.ts';
import type { Decide, Decision } from './decision.ts';

/** The policy in force: how it decides, and the bytes that bindings name by hash and that the key log commits to. */
export interface Policy {
  readonly decide: Decide;
  readonly document: Uint8Array<ArrayBuffer>;
  readonly hash: string;
}

/** The built-in policy under an operator's settings. Deny by default; a `forbid` wins over every `permit`. */
export function createBuiltInPolicy(settings: RuleSettings, rules: readonly Rule[] = BUILT_IN_RULES): Policy {
  const document = labelled('policy', {
    engine: 'built-in/v1',
    settings: { ...settings },
    rules: rules.map(({ id, effect, reason }) => ({ id, effect, reason })),
  });
  return { decide: (request) => decide(rules, settings, request), document, hash: sha256Base64url(document) };
}

function decide(rules: readonly Rule[], settings: RuleSettings, request: Parameters<Decide>[0]): Decision {
  const applying = rules.filter((rule) => rule.applies(request, settings));
  const deciding = applying.find((rule) => rule.effect === 'forbid') ?? applying[0];
  if (deciding === undefined) {
    return { effect: 'deny', policy: 'no-permit', reason: `No policy permits ${request.action} here.` };
  }
  const effect = deciding.effect === 'permit' ? 'allow' : 'deny';
  return { effect, policy: deciding.id, reason: deciding.reason };
}
