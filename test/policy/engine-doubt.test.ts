import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { DecisionRequest } from '../../bridge/policy/decision.ts';
import { policyToJson } from '../../bridge/policy/engine/cedar.ts';
import { policyReasons } from '../../bridge/policy/versions/policy-standing.ts';

const request: DecisionRequest = {
  action: 'enrol',
  principal: { kind: 'person', id: 'alice', assurance: 'member', endorsed: false },
  resource: { kind: 'address', id: 'alice@acme.example', owner: 'alice' },
  context: { devices: 3 },
};

/** Past every check of ours, what Cedar does not survive. The process of this file is of no use after it. */
function breakEngine(): void {
  const times = 8_000;
  policyToJson(
    `permit (principal, action, resource) when { ${'['.repeat(times)}1${']'.repeat(times)} == 1 };`,
  );
}

describe('an engine that broke off', () => {
  it('decides nothing any more, not even what it decided before, and readiness says to restart', () => {
    const failures: string[] = [];
    const policy = compilePolicy(readDefaultContent(), { onFailure: ({ reason }) => failures.push(reason) });
    expect(policy.decide(request).effect).toBe('allow');
    const standing = { version: 0, hash: policy.hash, bundle: '', compiled: policy };
    expect(policyReasons(standing, undefined)).toEqual([]);

    expect(breakEngine).toThrow(expect.objectContaining({ code: 'policy_unavailable' }));

    expect(policy.decide(request)).toMatchObject({ effect: 'deny', policy: 'engine-failed' });
    expect(policy.decide({ ...request, context: { devices: 4 } }).policy).toBe('engine-failed');
    expect(failures).toHaveLength(2);
    expect(failures[0]).toMatch(/broke off/);
    expect(() => compilePolicy(readDefaultContent())).toThrow(
      expect.objectContaining({ code: 'policy_unavailable' }),
    );
    expect(policyReasons(standing, undefined)).toEqual([expect.stringMatching(/: restart this process\.$/)]);
  });
});
