import type { PolicyFault } from '../content/policy-faults.ts';
import { SCHEMA_FILE } from '../content/policy-folder.ts';
import { checkParseSchema, type ValidationError, validate } from './cedar.ts';
import { faultIn, type NamedPolicy } from './cedar-parse.ts';

/** What is wrong with the schema itself. */
export function schemaFaults(schema: string): PolicyFault[] {
  const parsed = checkParseSchema(schema);
  if (parsed.type === 'success') return [];
  return parsed.errors.map((error) => ({ file: SCHEMA_FILE, ...faultIn(schema, error) }));
}

/**
 * What is wrong with policies under a schema that parses, in Cedar's strict mode. Warnings count: they are about policies
 * that can never apply, and about characters that look like others. `under` names the schema, where it is not their own.
 */
export function validationFaults(
  policies: readonly NamedPolicy[],
  schema: string,
  under?: string,
): PolicyFault[] {
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  const answer = validate({ schema, policies: { staticPolicies }, validationSettings: { mode: 'strict' } });
  if (answer.type === 'failure') {
    return answer.errors.map((error) => ({ file: SCHEMA_FILE, ...faultIn(schema, error) }));
  }
  const byId = new Map(policies.map((policy) => [policy.id, policy]));
  const found = [...answer.validationErrors, ...answer.validationWarnings];
  const faults = found.map((error) => validationFault(error, byId.get(error.policyId), under));
  return [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()];
}

function validationFault(
  { policyId, error }: ValidationError,
  policy: NamedPolicy | undefined,
  under: string | undefined,
): PolicyFault {
  const { line = 1, what, remedy } = faultIn(policy?.text ?? '', error);
  // What follows says the policy already.
  const plain = (text: string) => text.replaceAll(/for policy `[^`]*`, /gi, '');
  return {
    file: policy?.file ?? SCHEMA_FILE,
    ...(policy === undefined ? {} : { line: policy.line + line - 1 }),
    policy: policyId,
    what: plain(what) + (under === undefined ? '' : ` (under ${under})`),
    ...(remedy === undefined ? {} : { remedy: plain(remedy) }),
  };
}
