import { isCountersignError } from '../../../protocol/errors.ts';
import type { DataKind } from '../../../protocol/recipients/data-kind.ts';
import { parseRecipientTerms, type RecipientTerm } from '../../../protocol/recipients/terms.ts';
import type { Decide, Decision, DecisionRequest } from '../decision.ts';
import type { NamedPolicy } from '../engine/cedar-parse.ts';
import type { PolicyFault } from './policy-faults.ts';

/** What a permit of `receive` says beside its conditions. */
export interface RecipientRule {
  /** Its `@id`. */
  readonly policy: string;
  /** `@order`: of those that fit, the lowest decides. */
  readonly order: number;
  /** `@recipients`. */
  readonly terms: readonly RecipientTerm[];
}

/** By `@id`. */
export type RecipientRules = ReadonlyMap<string, RecipientRule>;

const HIGHEST_ORDER = 999_999_999;

/**
 * The rules of a set of policies, and what is wrong with them. Permits for `receive`, and only they, say `@order` and
 * `@recipients`; what permits every action makes nobody a recipient.
 */
export function readRecipientRules(policies: readonly NamedPolicy[]): {
  readonly rules: RecipientRules;
  readonly faults: readonly PolicyFault[];
} {
  const rules = new Map<string, RecipientRule>();
  const faults: PolicyFault[] = [];
  for (const policy of policies) {
    const tell = (what: string, remedy?: string): void => {
      faults.push({ file: policy.file, line: policy.line, policy: policy.id, what, remedy });
    };
    const rule = namesReceive(policy) ? readRule(policy, tell) : refuseAnnotations(policy, tell);
    if (rule === undefined) continue;
    const equal = [...rules.values()].find(({ order }) => order === rule.order);
    if (equal !== undefined) {
      tell(`\`@order("${rule.order}")\` is that of “${equal.policy}”, too`, 'Give each another number');
    }
    rules.set(policy.id, rule);
  }
  return { rules, faults };
}

type TellFault = (what: string, remedy?: string) => void;

function actionsNamed({ json: { action } }: NamedPolicy): readonly string[] {
  if (action.op === 'All') return [];
  const entities = 'entities' in action ? action.entities : 'entity' in action ? [action.entity] : [];
  return entities.map((entity) => ('__entity' in entity ? entity.__entity.id : entity.id));
}

function namesReceive(policy: NamedPolicy): boolean {
  return policy.effect === 'permit' && actionsNamed(policy).includes('receive');
}

function refuseAnnotations({ annotations }: NamedPolicy, tell: TellFault): undefined {
  for (const name of ['order', 'recipients']) {
    if (annotations[name] !== undefined) {
      tell(`\`@${name}\` is for permits of "receive" alone`, 'Take it out, or name that action in the head');
    }
  }
}

function readRule(policy: NamedPolicy, tell: TellFault): RecipientRule | undefined {
  const { order, recipients } = policy.annotations;
  if (actionsNamed(policy).length > 1) {
    tell('it is for "receive" and for other actions', 'Make a policy of its own for "receive"');
  }
  const isOrder = order !== undefined && /^(?:0|[1-9][0-9]{0,8})$/.test(order);
  if (!isOrder) {
    tell(
      order === undefined ? 'it has no `@order`' : `“${order}” is no order`,
      `Say its place with a whole number from 0 to ${HIGHEST_ORDER}: \`@order("10")\`; the lowest that fits decides`,
    );
  }
  const terms = readTerms(recipients, tell);
  return isOrder && terms !== undefined ? { policy: policy.id, order: Number(order), terms } : undefined;
}

function readTerms(recipients: string | undefined, tell: TellFault): readonly RecipientTerm[] | undefined {
  const remedy = 'Name them like this: `@recipients("group:<id of a group>, %USER%, %LOGGED_IN_USER%")`';
  if (recipients === undefined) {
    tell('it has no `@recipients`', remedy);
    return undefined;
  }
  try {
    return parseRecipientTerms(recipients);
  } catch (error) {
    if (!isCountersignError(error, 'claims_invalid')) throw error;
    tell(error.detail ?? 'its recipients cannot be read', remedy);
    return undefined;
  }
}

export interface RecipientsDecision {
  readonly request: DecisionRequest;
  readonly decision: Decision;
  /** The first that fits; `undefined` where nobody is to receive such data. */
  readonly rule: RecipientRule | undefined;
}

/** Asks which permits of `receive` fit, and takes the first in their order. A `forbid` that fits leaves nobody. */
export function decideRecipients(
  { decide, recipients }: { readonly decide: Decide; readonly recipients: RecipientRules },
  asker: Pick<DecisionRequest, 'principal' | 'context'>,
  data: DataKind,
): RecipientsDecision {
  const request: DecisionRequest = { ...asker, action: 'receive', resource: dataResource(data) };
  const decision = decide(request);
  const fitting = decision.effect === 'deny' ? [] : decision.policies;
  const [rule] = fitting
    .flatMap((id) => recipients.get(id) ?? [])
    .sort((left, right) => left.order - right.order);
  return { request, decision, rule };
}

export function dataResource({ category, sensitivity }: DataKind): DecisionRequest['resource'] {
  return { kind: 'data', id: `${category}/${sensitivity}`, category, sensitivity };
}
