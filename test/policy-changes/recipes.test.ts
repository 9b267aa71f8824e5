import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { DecisionContext, DecisionRequest, Principal } from '../../bridge/policy/decision.ts';
import { replaceText } from '../fakes/test-policy.ts';

const guide = readFileSync(new URL('../../docs/guides/policy.md', import.meta.url), 'utf8');
const shipped = readDefaultContent();

/** The code of a recipe, by the word behind its language. */
function recipe(name: string): string {
  const text = new RegExp(`\`\`\`\\w+ ${name}\\n(.*?)\`\`\``, 's').exec(guide)?.[1];
  if (text === undefined) throw new Error(`the guide has no recipe ${name}`);
  return text;
}

const withRecipe = (name: string) =>
  compilePolicy({ ...shipped, policies: { ...shipped.policies, 'own.cedar': recipe(name) } });

const member: Principal = { kind: 'person', id: 'p', assurance: 'member', endorsed: true };
const globex: Principal = {
  ...{ kind: 'partner', id: 'https://bridge.globex.example', status: 'active' },
  domains: ['globex.example'],
};
const initech: Principal = { ...globex, id: 'https://bridge.initech.example' };
const address = (assurance: 'member' | 'gateway') =>
  ({ kind: 'address', id: 'x@acme.example', domain: 'acme.example', assurance }) as const;

describe('the recipes of the guide', () => {
  it('ask for several factors within 12 hours before there are keys', () => {
    const { decide } = withRecipe('recent-factors-for-keys');
    const enrol = (signIn: DecisionContext['signIn'], principal = member) =>
      decide({
        ...{ action: 'enrol', principal },
        resource: { kind: 'address', id: 'x@acme.example', owner: 'p', domain: 'acme.example' },
        context: { devices: 0, ...(signIn === undefined ? {} : { signIn }) },
      }).effect;
    const factors = { protocol: 'oidc', amr: ['mfa'], multiFactor: true } as const;
    expect(enrol({ ...factors, age: 43_200 })).toBe('allow');
    expect(enrol({ ...factors, age: 43_201 })).toBe('deny');
    expect(enrol(factors)).toBe('deny');
    expect(enrol({ ...factors, multiFactor: false, age: 0 })).toBe('deny');
    expect(enrol(undefined)).toBe('deny');
    expect(enrol(undefined, { ...member, assurance: 'gateway' })).toBe('allow');
  });

  it('let nobody find a gateway, nor a gateway join', () => {
    const { decide } = withRecipe('no-gateways');
    const ask = (request: Omit<DecisionRequest, 'context'>, context: DecisionContext = {}) =>
      decide({ ...request, context }).effect;
    const find = { action: 'find', principal: member } as const;
    expect(ask({ ...find, resource: address('gateway') })).toBe('deny');
    expect(ask({ ...find, resource: address('member') })).toBe('allow');
    const join = {
      action: 'join-meeting',
      resource: { kind: 'group', id: 'g', groupKind: 'meeting' },
    } as const;
    const asMember = { groupRole: 'member' } as const;
    expect(ask({ ...join, principal: { ...member, assurance: 'gateway' } }, asMember)).toBe('deny');
    expect(ask({ ...join, principal: member }, asMember)).toBe('allow');
  });

  it('show one partner addresses only, and the others what they saw', () => {
    const { decide } = withRecipe('globex-sees-addresses-only');
    const person = { kind: 'person', id: 's', owner: 's', assurance: 'member' } as const;
    const ask = (principal: Principal, action: 'find' | 'see-name' | 'see-sign-in') =>
      decide({
        ...{ action, principal, context: {} },
        resource: action === 'find' ? address('member') : person,
      }).effect;
    const actions = ['find', 'see-name', 'see-sign-in'] as const;
    expect(actions.map((action) => ask(globex, action))).toEqual(['allow', 'deny', 'deny']);
    expect(actions.map((action) => ask(initech, action))).toEqual(['allow', 'allow', 'allow']);
  });

  it('name texts that stand in the shipped files', () => {
    expect(guide).toContain('`context.devices < 20`');
    expect(() =>
      compilePolicy(replaceText(shipped, 'context.devices < 20', 'context.devices < 40')),
    ).not.toThrow();
    const { 'administration.cedar': administration = '' } = shipped.policies;
    const always = administration.replace(
      /\s*\|\|\s*context has administrators &&\s*context\.administrators <= 1/,
      '',
    );
    expect(always).not.toBe(administration);
    const { decide } = compilePolicy({
      ...shipped,
      policies: { ...shipped.policies, 'administration.cedar': always },
    });
    const activate = (approvals: number) =>
      decide({
        ...{ action: 'activate-policy', principal: { kind: 'administrator', id: 'a', roles: ['owner'] } },
        ...{
          resource: { kind: 'policy', id: 'policy' },
          context: { approvals, administrators: 1, author: true },
        },
      }).effect;
    expect([activate(0), activate(1)]).toEqual(['deny', 'allow']);
  });

  it('shorten bindings of guests', () => {
    const { lifetimes } = compilePolicy({ ...shipped, data: JSON.parse(recipe('shorter-bindings')) });
    expect([lifetimes.binding('guest'), lifetimes.binding('member')]).toEqual([3_600, 86_400]);
  });
});
