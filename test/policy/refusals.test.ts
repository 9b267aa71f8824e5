import { describe, expect, it } from 'vitest';
import { problemOf } from '../../bridge/http/problem.ts';
import {
  type Decision,
  type DecisionRequest,
  deniedBy,
  ENGINE_FAILED,
  type Principal,
} from '../../bridge/policy/decision.ts';
import { testPolicy } from '../fakes/test-policy.ts';

const DECISION = '01a202c5-9603-7d9e-afab-0b10b75dc24f';

const person: Principal = { kind: 'person', id: 'bob', assurance: 'member', endorsed: false };
const administrator: Principal = { kind: 'administrator', id: 'a-1', roles: ['siem'] };
const partner: Principal = {
  ...{ kind: 'partner', id: 'https://bridge.globex.example', status: 'suspended' },
  domains: ['globex.example'],
};
const anonymous: Principal = { kind: 'anonymous', id: 'anonymous' };

const looksUp = (principal: Principal): DecisionRequest => ({
  action: principal.kind === 'partner' ? 'look-up-as-partner' : 'look-up',
  ...{ principal, resource: { kind: 'bridge', id: 'https://bridge.acme.example' }, context: {} },
});

/** As it leaves the bridge, when the shipped policy denies this. */
function refusalOf(request: DecisionRequest, code?: 'group_unknown') {
  const decision: Decision = { ...testPolicy().decide(request), id: DECISION };
  expect(decision.effect).toBe('deny');
  return problemOf(deniedBy(request, decision, code), { requestId: 'r-1' });
}

describe('a refusal by policy', () => {
  it('tells our people the rule, and which ones would have permitted it', () => {
    expect(refusalOf(looksUp(person))).toMatchObject({
      code: 'forbidden',
      detail: 'no-permit: No policy permits look-up here. Nearest: own-people-look-up.',
      decision_id: DECISION,
    });
  });

  it('tells administrators the forbidding rule with its reason', () => {
    const { detail } = refusalOf({
      action: 'manage-access',
      principal: { ...administrator, roles: ['operator'] },
      resource: { kind: 'bridge', id: 'bridge' },
      context: { tokenRoles: ['owner'] },
    });
    expect(detail).toBe(
      'roles-of-others-within-own: Nobody but owners makes or ends a token with a role that their own does not have.',
    );
  });

  it.each([
    ['partners', looksUp(partner)],
    ['those who have not said who they are', looksUp(anonymous)],
  ])('tells %s the code and the id of the decision, and no rule', (_, request) => {
    const refusal = refusalOf(request);
    expect(refusal).toMatchObject({ code: 'forbidden', decision_id: DECISION });
    expect(refusal).not.toHaveProperty('detail');
    expect(JSON.stringify(refusal)).not.toContain('polic');
  });

  it('that says there is no such thing says nothing beside it, not even that it was decided', () => {
    const request: DecisionRequest = {
      action: 'join-meeting',
      ...{ principal: person, resource: { kind: 'group', id: 'g-1' }, context: { groupRole: 'none' } },
    };
    const refusal = refusalOf(request, 'group_unknown');
    expect(Object.keys(refusal)).toEqual(['type', 'title', 'status', 'code', 'request_id']);
  });
});

describe('a refusal because no policy could be asked', () => {
  it('may be better in a while, and says so whatever a denial would have said', () => {
    const { decide } = testPolicy();
    const failed: Decision = { ...decide(looksUp(person)), policy: ENGINE_FAILED, id: DECISION };
    for (const code of [undefined, 'group_unknown', 'device_limit'] as const) {
      const refusal = problemOf(deniedBy(looksUp(person), failed, code), { requestId: 'r-1' });
      expect(refusal).toMatchObject({ code: 'policy_unavailable', status: 503, decision_id: DECISION });
      expect(refusal).not.toHaveProperty('detail');
    }
  });
});
