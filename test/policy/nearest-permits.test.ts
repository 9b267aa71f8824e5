import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { Action, DecisionContext, Principal, Resource } from '../../bridge/policy/decision.ts';
import { policyText, withFile } from './policy-texts.ts';

const { decide } = compilePolicy(readDefaultContent());

const alice = { kind: 'person', id: 'alice', assurance: 'member', endorsed: true } as const;
const group: Resource = { kind: 'group', id: 'g' };

function nearest(action: Action, principal: Principal, resource: Resource, context: DecisionContext = {}) {
  const decision = decide({ action, principal, resource, context });
  expect(decision.policy).toBe('no-permit');
  return decision.nearest;
}

describe('the nearest permits', () => {
  it('are those for this action and who asks', () => {
    expect(nearest('join-meeting', alice, group, { groupRole: 'none' })).toEqual([
      'participants-join-their-meeting',
    ]);
    const partner = { kind: 'partner', id: 'https://p', status: 'active' } as const;
    expect(nearest('join-meeting', partner, group)).toEqual(['partners-bring-their-people-into-meetings']);
  });

  it('come in the order of how few of their conditions do not hold, then of the files', () => {
    const bob: Resource = { kind: 'person', id: 'bob', owner: 'bob' };
    expect(nearest('open-key', alice, bob)).toEqual(['open-own-keys']);
    const siem = { kind: 'administrator', id: 'a', roles: ['siem'] } as const;
    expect(nearest('read-policy', siem, { kind: 'bridge', id: 'b' })).toEqual([
      ...['owners-administer', 'operators-operate', 'policy-approvers-approve'],
    ]);
    const own = policyText(
      'a-far-one',
      `permit (principal is Countersign::Person, action == Countersign::Action::"join-meeting", resource)
       when { principal.assurance == "room" && principal.endorsed && context has groupRole } unless { context.own }`,
    );
    const policy = compilePolicy(withFile(own, 'a.cedar'));
    const request = {
      action: 'join-meeting',
      principal: { ...alice, endorsed: false },
      resource: group,
    } as const;
    const far = policy.decide({ ...request, context: { groupRole: 'member' } });
    expect(far.nearest).toEqual(['participants-join-their-meeting', 'a-far-one']);
  });

  it('are none where no permit is for such a request', () => {
    expect(nearest('look-up', { kind: 'anonymous', id: 'anonymous' }, { kind: 'bridge', id: 'b' })).toEqual(
      [],
    );
  });

  it('are not looked for where a policy forbids', () => {
    const partner = { kind: 'partner', id: 'https://p', status: 'suspended' } as const;
    const decision = decide({ action: 'see-group', principal: partner, resource: group, context: {} });
    expect(decision.policy).toBe('suspended-partners-are-answered-nothing');
    expect(decision.nearest).toBeUndefined();
  });
});
