import { describe, expect, test } from 'vitest';
import {
  ACTIONS,
  type DecisionRequest,
  type Principal,
  type Resource,
  requireAllowed,
} from '../../bridge/policy/decision.ts';
import { testPolicy } from '../fakes/test-policy.ts';

const { decide } = testPolicy({ maxDevices: 2 });
const strict = testPolicy({ maxDevices: 2, requireMultiFactor: true });

const alice = { kind: 'person', id: 'alice', assurance: 'member', endorsed: true } as const;
const address: Resource = { kind: 'address', id: 'alice@acme.example', owner: 'alice' };
const KINDS = [
  ...(['bridge', 'person', 'device', 'address', 'connection', 'events', 'group', 'policy'] as const),
];

function enrol(request: Partial<DecisionRequest> = {}): DecisionRequest {
  return { action: 'enrol', principal: alice, resource: address, context: { devices: 0 }, ...request };
}

describe('the shipped policies', () => {
  test('allow nothing to an anonymous caller but to sign in through an active connection', () => {
    const anonymous: Principal = { kind: 'anonymous', id: 'anonymous' };
    const context = { connectionStatus: 'active', devices: 0, groupRole: 'admin', approvals: 5 } as const;
    const allowed = ACTIONS.flatMap((action) =>
      KINDS.map((kind) => ({ action, principal: anonymous, resource: { kind, id: 'x' }, context })),
    ).filter((request) => decide(request).effect === 'allow');
    expect(allowed.map(({ action, resource }) => `${action} ${resource.kind}`)).toEqual([
      'sign-in connection',
    ]);
  });

  test('have the number of devices in their text', () => {
    expect(decide(enrol({ context: { devices: 1 } })).policy).toBe('enrol-self');
    expect(decide(enrol({ context: { devices: 2 } })).policy).toBe('no-permit');
  });

  test('refuse where the number of devices is not known, as an error of the engine', () => {
    expect(decide(enrol({ context: {} }))).toMatchObject({ effect: 'deny', policy: 'engine-failed' });
  });

  test('ask for several factors once an administrator takes the slashes away, but not of services', () => {
    expect(decide(enrol()).effect).toBe('allow');
    expect(strict.decide(enrol())).toMatchObject({ effect: 'deny', policy: 'multi-factor-for-keys' });
    const signIn = { protocol: 'oidc', amr: ['mfa'], multiFactor: true } as const;
    expect(strict.decide(enrol({ context: { devices: 0, signIn } })).effect).toBe('allow');
    expect(strict.decide(enrol({ principal: { ...alice, assurance: 'gateway' } })).effect).toBe('allow');
  });

  test('show in comments only policies that are valid', () => {
    expect(() => testPolicy({ requireMultiFactor: true })).not.toThrow();
  });

  test('name the policy in the refusal', () => {
    const request: DecisionRequest = {
      ...enrol(),
      action: 'manage-access',
      resource: { kind: 'bridge', id: 'b' },
    };
    expect(() => requireAllowed(decide, request)).toThrow(
      expect.objectContaining({ code: 'forbidden', detail: expect.stringContaining('no-permit') }),
    );
  });
});

describe('the hash', () => {
  test('is that of the content, and of nothing else', () => {
    const { hash } = testPolicy();
    expect(testPolicy({ change: (content) => ({ ...content }) }).hash).toBe(hash);
    expect(testPolicy({ maxDevices: 3 }).hash).not.toBe(hash);
    const longer = testPolicy({
      change: (content) => ({
        ...content,
        data: { lifetimes: { ...lifetimes(content.data), meeting: 86_400 } },
      }),
    });
    expect(longer.hash).not.toBe(hash);
    expect(decide(enrol()).hash).toBe(testPolicy({ maxDevices: 2 }).hash);
  });
});

describe('the lifetimes', () => {
  test('come from the data, an assurance’s own before the default', () => {
    const { lifetimes: said } = testPolicy({
      change: (content) => ({
        ...content,
        data: { lifetimes: { ...lifetimes(content.data), binding: { default: 7_200, guest: 3_600 } } },
      }),
    });
    expect(said.binding('member')).toBe(7_200);
    expect(said.binding('guest')).toBe(3_600);
    expect(said.deviceBinding('guest')).toBe(86_400);
    expect(said.lookUpMaxAge).toBe(60);
  });
});

function lifetimes(data: { readonly [name: string]: unknown }): object {
  const { lifetimes: found } = data;
  if (typeof found !== 'object' || found === null) throw new Error('no lifetimes');
  return found;
}
