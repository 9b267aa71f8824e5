import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { defaultPolicyFolder, readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { failingCases, readPolicyCases } from '../../bridge/policy/content/policy-cases.ts';
import { ACTIONS } from '../../bridge/policy/decision.ts';
import { createRequestCheck } from '../../bridge/policy/engine/request-check.ts';

const policy = compilePolicy(readDefaultContent());
const { cases, faults } = readPolicyCases(defaultPolicyFolder());
const actionsOf = (effect: 'allow' | 'deny') =>
  [...new Set(cases.filter((each) => each.effect === effect).map(({ request }) => request.action))].sort();

describe('the cases of the shipped policies', () => {
  it('are all in their form', () => {
    expect(faults).toEqual([]);
  });

  it.each(cases.map((each) => [each.file, each] as const))('%s', (_, each) => {
    expect(failingCases([each], policy)).toEqual([]);
  });

  it('allow and deny every action; nothing is shipped that allows the public', () => {
    expect(actionsOf('allow')).toEqual(ACTIONS.filter((each) => each !== 'look-up-as-public').sort());
    expect(actionsOf('deny')).toEqual([...ACTIONS].sort());
  });

  it('show every policy deciding', () => {
    const shown = new Set(cases.map(({ request }) => policy.decide(request).policy));
    expect(policy.policies.map(({ id }) => id).filter((id) => !shown.has(id))).toEqual([]);
  });
});

describe('a case', () => {
  const [allowed] = cases.filter(({ effect }) => effect === 'allow');
  if (allowed === undefined) throw new Error('there is none');

  it('fails where the policy answers otherwise, and names the policy that did', () => {
    const [fault] = failingCases([{ ...allowed, effect: 'deny' }], policy);
    expect(fault?.what).toContain('expected deny');
    expect(fault?.what).toContain(`“${policy.decide(allowed.request).policy}” says allow`);
  });

  it('fails where another policy decides than the one that it names', () => {
    const [fault] = failingCases([{ ...allowed, policy: 'another' }], policy);
    expect(fault?.what).toContain('expected allow by “another”');
  });

  it('fails where it asks what the schema does not foresee', () => {
    const request = { ...allowed.request, resource: { kind: 'policy', id: 'p' } } as const;
    const [fault] = failingCases([{ ...allowed, request, effect: 'deny' }], policy);
    expect(fault?.remedy).toBe('Ask as the schema foresees it');
    expect(createRequestCheck(policy.content.schema)(request)).toContain('Policy');
  });
});
