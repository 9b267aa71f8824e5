import { type PolicyContent, policyContentSchema } from '../../../protocol/policy-bundle.ts';
import { POLICY_RULES, POLICY_TOKENS, POLICY_WEIGHT } from '../../lib/limits.ts';
import { ACTIONS } from '../decision.ts';
import { appliesToAction } from '../engine/attributes-read.ts';
import { countTokens, findTooNested } from '../engine/cedar-nesting.ts';
import { lineOf, type NamedPolicy, parsePolicyFile } from '../engine/cedar-parse.ts';
import { schemaFaults, validationFaults } from '../engine/cedar-validate.ts';
import { readDefaultContent } from './default-content.ts';
import { type PolicyData, policyDataSchema } from './policy-data.ts';
import { faultsOf, type PolicyFault } from './policy-faults.ts';
import { DATA_FILE, SCHEMA_FILE } from './policy-folder.ts';
import { type RecipientRules, readRecipientRules } from './recipients.ts';

export interface ValidContent {
  readonly policies: readonly NamedPolicy[];
  readonly data: PolicyData;
  readonly recipients: RecipientRules;
}

/**
 * The policies of a content that can be taken: its form, its texts, its policies under its own schema and under the one
 * that this bridge builds its requests by. Throws `policy_invalid` with every fault.
 */
export function requireValid(content: PolicyContent): ValidContent {
  const data = policyDataSchema.safeParse(content.data);
  const dataFaults = data.error?.issues.map(({ path, message }) => dataFault(path, message)) ?? [];
  const form = policyContentSchema.safeParse(content);
  if (!form.success) {
    const formFaults = form.error.issues.map(({ path, message }) => formFault(path, message));
    throw faultsOf([...formFaults, ...dataFaults]);
  }
  const unread = unreadFaults(content);
  if (unread.length > 0) throw faultsOf([...unread, ...dataFaults]);
  const { policies, recipients, faults } = readPolicies(content);
  if (!data.success || faults.length > 0) throw faultsOf([...faults, ...dataFaults]);
  return { policies, recipients, data: data.data };
}

/** Looked for before Cedar sees any of the texts. */
function unreadFaults({ schema, policies }: PolicyContent): PolicyFault[] {
  const tokens = [schema, ...Object.values(policies)].reduce((sum, text) => sum + countTokens(text), 0);
  if (tokens > POLICY_TOKENS) {
    const what = `the texts have ${tokens} words and signs, more than ${POLICY_TOKENS}`;
    return [{ file: 'content', what, remedy: 'Ask for groups of things in the place of each' }];
  }
  return Object.entries({ ...policies, [SCHEMA_FILE]: schema }).flatMap(([file, text]): PolicyFault[] => {
    const found = findTooNested(text);
    if (found === undefined) return [];
    return [
      { file, line: lineOf(text, found.index), what: found.what, remedy: 'Make several policies of it' },
    ];
  });
}

function readPolicies(content: PolicyContent): Omit<ValidContent, 'data'> & { faults: PolicyFault[] } {
  const faults = schemaFaults(content.schema);
  const policies: NamedPolicy[] = [];
  for (const file of Object.keys(content.policies).sort()) {
    const parsed = parsePolicyFile(file, content.policies[file] ?? '');
    policies.push(...parsed.policies);
    faults.push(...parsed.faults);
  }
  const excess = excessOf(policies);
  if (excess !== undefined) faults.push(excess);
  const { rules: recipients, faults: recipientFaults } = readRecipientRules(policies);
  faults.push(...idsGivenTwice(policies), ...recipientFaults);
  if (faults.length === 0) faults.push(...underBothSchemas(policies, content.schema));
  return { policies, recipients, faults };
}

/** Of policies that parse, more than may be validated: that takes the longest, on the thread that answers requests. */
function excessOf(policies: readonly NamedPolicy[]): PolicyFault | undefined {
  if (policies.length > POLICY_RULES) {
    const what = `there are ${policies.length} policies, more than ${POLICY_RULES}`;
    return { file: 'content', what, remedy: 'Make one of those that differ in a name alone' };
  }
  const weight = policies.reduce((sum, { text, json }) => sum + text.length * actionsOf(json), 0);
  if (weight <= POLICY_WEIGHT) return undefined;
  const what = `the policies have ${weight} characters, counted once for each action, more than ${POLICY_WEIGHT}`;
  return { file: 'content', what, remedy: 'Name the actions that they are for' };
}

function actionsOf(json: NamedPolicy['json']): number {
  return ACTIONS.filter((action) => appliesToAction(json, action)).length;
}

function underBothSchemas(policies: readonly NamedPolicy[], schema: string): PolicyFault[] {
  const own = validationFaults(policies, schema);
  const { schema: shipped } = readDefaultContent();
  if (own.length > 0 || schema === shipped) return own;
  return validationFaults(policies, shipped, 'the schema of this version of the bridge');
}

function idsGivenTwice(policies: readonly NamedPolicy[]): PolicyFault[] {
  const first = new Map<string, NamedPolicy>();
  return policies.flatMap((policy): PolicyFault[] => {
    const earlier = first.get(policy.id);
    if (earlier === undefined) {
      first.set(policy.id, policy);
      return [];
    }
    const { file, line, id } = policy;
    const what = `the id stands at ${earlier.file}:${earlier.line} already`;
    return [{ file, line, policy: id, what, remedy: 'Give each policy an `@id` of its own' }];
  });
}

function formFault(path: readonly PropertyKey[], message: string): PolicyFault {
  const [part = 'content', name] = path.map(String);
  const files: Readonly<Record<string, string>> = {
    policies: name ?? 'content',
    data: DATA_FILE,
    schema: SCHEMA_FILE,
  };
  return { file: files[part] ?? part, what: message };
}

function dataFault(path: readonly PropertyKey[], message: string): PolicyFault {
  return { file: DATA_FILE, what: `${path.map(String).join('.') || 'the whole'}: ${message}` };
}
