import { type PolicyContent, policyHash } from '../../protocol/policy-bundle.ts';
import { NOW } from './company.ts';

export const FIRST_POLICY: PolicyContent = {
  schema: 'namespace Countersign { entity Bridge; }\n',
  policies: { 'enrolment.cedar': '@id("enrol-self")\npermit (principal, action, resource);\n' },
  data: { lifetimes: { look_up_max_age: 60 } },
};

/** What the bundle of a company’s first policy says. */
export function firstBundle(iss: string) {
  const claims = { iss, iat: NOW, version: 0, hash: policyHash(FIRST_POLICY), previous: null };
  return { ...claims, content: FIRST_POLICY };
}
