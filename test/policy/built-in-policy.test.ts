import { describe, expect, test } from 'vitest';
import { createBuiltInPolicy } from '../../bridge/policy/built-in-policy.ts';
import { BUILT_IN_RULES } from '../../bridge/policy/built-in-rules.ts';
import {
  ACTIONS,
  type DecisionRequest,
  type Principal,
  requireAllowed,
} from '../../bridge/policy/decision.ts';
import { CountersignError } from '../../protocol/errors.ts';

const settings = { maxDevices: 2, requireMultiFactor: false };
const { decide } = createBuiltInPolicy(settings);

const alice: Principal = { kind: 'person', id: 'alice', assurance: 'member', endorsed: true };
const unendorsed: Principal = { ...alice, endorsed: false };
const own = { kind: 'person', id: 'alice', owner: 'alice' } as const;
const others = { kind: 'person', id: 'bob', owner: 'bob' } as const;

function ask(request: Partial<DecisionRequest> & Pick<DecisionRequest, 'action'>) {
  return decide({ principal: alice, resource: own, context: {}, ...request });
}

describe('the built-in policy', () => {
  test('denies every action to an anonymous caller, naming no-permit', () => {
    for (const action of ACTIONS) {
      const anonymous: Principal = { kind: 'anonymous', id: 'anonymous' };
      expect(ask({ action, principal: anonymous })).toMatchObject({ effect: 'deny', policy: 'no-permit' });
    }
  });

  test('lets a person enrol an address of their own and nobody else’s', () => {
    expect(ask({ action: 'enrol', context: { devices: 0 } })).toMatchObject({
      effect: 'allow',
      policy: 'enrol-self',
    });
    expect(ask({ action: 'enrol', resource: others, context: { devices: 0 } }).effect).toBe('deny');
  });

  test('denies a device beyond the limit, and when the number of devices is not known', () => {
    expect(ask({ action: 'request-device', context: { devices: 1 } }).effect).toBe('allow');
    expect(ask({ action: 'request-device', context: { devices: 2 } }).policy).toBe('no-permit');
    expect(ask({ action: 'request-device' }).effect).toBe('deny');
  });

  test('recovers the own escrowed keys from a device that only signed in, up to the limit, with as many factors as keys need', () => {
    const recover = (request: Partial<DecisionRequest> = {}) =>
      ask({ action: 'recover', principal: unendorsed, context: { devices: 1 }, ...request });
    expect(recover()).toMatchObject({ effect: 'allow', policy: 'recover-own-keys' });
    expect(recover({ resource: others }).effect).toBe('deny');
    expect(recover({ context: { devices: 2 } }).effect).toBe('deny');
    expect(recover({ context: {} }).effect).toBe('deny');
    const strict = createBuiltInPolicy({ ...settings, requireMultiFactor: true });
    const asked = { action: 'recover', principal: unendorsed, resource: own } as const;
    expect(strict.decide({ ...asked, context: { devices: 0 } }).policy).toBe('multi-factor-for-keys');
    expect(
      strict.decide({
        ...asked,
        context: { devices: 0, signIn: { protocol: 'oidc', amr: ['mfa'], multiFactor: true } },
      }).effect,
    ).toBe('allow');
  });

  test('lets into a meeting whoever takes part in its group, from an endorsed device or by an active partner', () => {
    const group = { kind: 'group', id: 'group' } as const;
    const join = (principal: Principal, groupRole?: 'admin' | 'member' | 'none') =>
      ask({
        ...{ action: 'join-meeting', principal, resource: group },
        context: groupRole === undefined ? {} : { groupRole },
      });
    const partner = (status: 'active' | 'suspended'): Principal => ({
      kind: 'partner',
      id: 'https://p',
      status,
    });
    expect(join(alice, 'admin').policy).toBe('participants-join-their-meeting');
    expect(join(alice, 'member').effect).toBe('allow');
    expect(join(partner('active'), 'member').policy).toBe('partners-bring-their-people-into-meetings');
    for (const denied of [
      ...[join(alice, 'none'), join(alice), join(unendorsed, 'admin')],
      ...[join(partner('active'), 'none'), join(partner('suspended'), 'member')],
    ]) {
      expect(denied.effect).toBe('deny');
    }
    const abroad = (principal: Principal) =>
      ask({ action: 'join-foreign-meeting', principal, resource: group });
    expect(abroad(alice).policy).toBe('own-people-ask-for-foreign-meetings');
    expect(abroad(unendorsed).effect).toBe('deny');
  });

  test('lets endorsed devices make groups, admins manage theirs, and whoever takes part see them', () => {
    const resource = { kind: 'group', id: 'g' } as const;
    const as = (groupRole?: 'admin' | 'member' | 'none') => (groupRole === undefined ? {} : { groupRole });
    expect(ask({ action: 'create-group' }).policy).toBe('create-group');
    expect(ask({ action: 'create-group', principal: unendorsed }).effect).toBe('deny');
    const manage = (role?: 'admin' | 'member' | 'none', principal: Principal = alice) =>
      ask({ action: 'manage-group', principal, resource, context: as(role) });
    expect(manage('admin').policy).toBe('admins-manage-their-group');
    for (const role of ['member', 'none', undefined] as const) expect(manage(role).effect).toBe('deny');
    expect(manage('admin', unendorsed).effect).toBe('deny');
    const see = (role?: 'admin' | 'member' | 'none', principal: Principal = alice) =>
      ask({ action: 'see-group', principal, resource, context: as(role) });
    for (const role of ['admin', 'member'] as const)
      expect(see(role).policy).toBe('participants-see-their-group');
    for (const role of ['none', undefined] as const) expect(see(role).effect).toBe('deny');
    expect(see('member', unendorsed).effect).toBe('deny');
    const partner = { kind: 'partner', id: 'https://p', status: 'active' } as const;
    expect(see('member', partner).policy).toBe('partners-see-their-peoples-groups');
    expect(see('none', partner).effect).toBe('deny');
    expect(see('member', { ...partner, status: 'suspended' }).effect).toBe('deny');
    expect(manage('admin', partner).effect).toBe('deny');
    const abroad = (principal: Principal) => ask({ action: 'see-foreign-group', principal, resource });
    expect(abroad(alice).policy).toBe('own-people-ask-for-foreign-groups');
    expect(abroad(unendorsed).effect).toBe('deny');
  });

  test('opens the vault for an endorsed device of its own person alone', () => {
    expect(ask({ action: 'open-vault' }).effect).toBe('allow');
    expect(ask({ action: 'open-vault', principal: unendorsed }).effect).toBe('deny');
    expect(ask({ action: 'open-vault', resource: others }).effect).toBe('deny');
  });

  test('a sign-in alone, without an endorsed device, removes no device', () => {
    expect(ask({ action: 'remove-device' }).policy).toBe('remove-own-device');
    expect(ask({ action: 'remove-device', principal: unendorsed }).effect).toBe('deny');
    expect(ask({ action: 'remove-device', resource: others }).effect).toBe('deny');
    expect(ask({ action: 'rotate-keys' }).policy).toBe('rotate-own-keys');
    expect(ask({ action: 'rotate-keys', principal: unendorsed }).effect).toBe('deny');
    expect(ask({ action: 'rotate-keys', resource: others }).effect).toBe('deny');
  });

  test('denies look-ups to a suspended partner and to a device that is not endorsed', () => {
    const partner = (status: 'active' | 'suspended'): Principal => ({
      kind: 'partner',
      id: 'https://p',
      status,
    });
    expect(ask({ action: 'look-up-as-partner', principal: partner('active') }).effect).toBe('allow');
    expect(ask({ action: 'look-up-as-partner', principal: partner('suspended') }).effect).toBe('deny');
    expect(ask({ action: 'look-up', principal: unendorsed }).effect).toBe('deny');
  });

  test('a forbid wins over the permit: without several factors no key is enrolled where they are required', () => {
    const strict = createBuiltInPolicy({ ...settings, requireMultiFactor: true });
    const request: DecisionRequest = {
      action: 'enrol',
      principal: alice,
      resource: own,
      context: { devices: 0 },
    };
    expect(strict.decide(request)).toMatchObject({ effect: 'deny', policy: 'multi-factor-for-keys' });
    expect(
      strict.decide({
        ...request,
        context: { devices: 0, signIn: { protocol: 'oidc', amr: ['mfa'], multiFactor: true } },
      }).effect,
    ).toBe('allow');
  });

  test('a refusal is forbidden and names its policy', () => {
    const request: DecisionRequest = {
      action: 'manage-access',
      principal: alice,
      resource: own,
      context: {},
    };
    expect(() => requireAllowed(decide, request)).toThrow(
      new CountersignError('forbidden', 'no-permit: No policy permits manage-access here.'),
    );
  });

  test('the hash changes with a rule and with a setting, and with nothing else', () => {
    const { hash } = createBuiltInPolicy(settings);
    expect(createBuiltInPolicy({ ...settings }).hash).toBe(hash);
    expect(createBuiltInPolicy({ ...settings, maxDevices: 3 }).hash).not.toBe(hash);
    expect(createBuiltInPolicy(settings, BUILT_IN_RULES.slice(1)).hash).not.toBe(hash);
  });

  test('every rule has an id of its own', () => {
    expect(new Set(BUILT_IN_RULES.map((rule) => rule.id)).size).toBe(BUILT_IN_RULES.length);
  });
});
