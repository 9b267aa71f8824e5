import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { ACTIONS, ADMINISTRATOR_ROLES, type DecisionRequest } from '../../bridge/policy/decision.ts';
import { createDecisionMemo } from '../../bridge/policy/engine/decision-memo.ts';
import { assurance } from '../../protocol/claims.ts';
import { policyText, withFile } from './policy-texts.ts';

/** Policies that look at everything there is to look at, in every form of expression. */
const CURIOUS = [
  policyText('no-mallory', 'forbid (principal == Countersign::Person::"mallory", action, resource)'),
  policyText(
    'fresh-strong-joins',
    `forbid (principal is Countersign::Person, action == Countersign::Action::"join-meeting", resource)
     unless { context has signIn.age && context.signIn.age <= 60 && context.signIn.amr.containsAny(["mfa", "hwk"]) }`,
  ),
  policyText(
    'secret-labels',
    `forbid (principal, action == Countersign::Action::"open-key", resource is Countersign::Group)
     when { if resource has label then resource.label like "*secret*" else resource has groupKind }`,
  ),
  policyText(
    'one-domain',
    `forbid (principal is Countersign::Partner, action == Countersign::Action::"find", resource is Countersign::Address)
     unless { principal.domains.contains(resource.domain) || resource == Countersign::Address::"a@acme.example" }`,
  ),
  policyText(
    'either',
    `forbid (principal is Countersign::Person, action == Countersign::Action::"see-name", resource is Countersign::Subject)
     when { (if context.own then {who: principal.assurance} else {who: "x"}).who == "guest" }`,
  ),
  policyText(
    'computed-entity',
    `forbid (principal is Countersign::Person, action == Countersign::Action::"look-up", resource)
     unless { (if context.own then principal else principal).assurance != "guest" }`,
  ),
].join('\n');

const id = fc.constantFrom('alice', 'bob', 'mallory', 'a@acme.example', 'b@other.example');
const word = fc.constantFrom('phr', 'a secret', 'secretless', 'plain', '"]', '');
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** As facts are told: what is not known is not there. */
const record = (model: Record<string, fc.Arbitrary<unknown>>) =>
  fc
    .record(model)
    .map((each) => Object.fromEntries(Object.entries(each).filter(([, value]) => value !== undefined)));

const principal = fc.oneof(
  record({
    kind: fc.constant('person'),
    ...{ id, assurance: fc.constantFrom(...assurance.options), endorsed: fc.boolean() },
    connection: optional(word),
  }),
  record({
    kind: fc.constant('partner'),
    ...{ id, status: fc.constantFrom('active', 'suspended') },
    domains: optional(fc.subarray(['acme.example', 'other.example'])),
  }),
  record({ kind: fc.constant('administrator'), id, roles: fc.subarray([...ADMINISTRATOR_ROLES]) }),
  fc.constant({ kind: 'anonymous', id: 'anonymous' }),
);
const attributes = record({
  ...{ id, owner: optional(id), assurance: optional(fc.constantFrom(...assurance.options)) },
  ...{ domain: optional(fc.constantFrom('acme.example', 'other.example')), label: optional(word) },
  groupKind: optional(fc.constantFrom('meeting', 'durable')),
  ...{ category: fc.constantFrom('personal', 'recipe'), sensitivity: word },
});
const context = record({
  connectionStatus: optional(fc.constantFrom('draft', 'active')),
  devices: optional(fc.integer({ min: 18, max: 21 })),
  signIn: optional(
    record({
      protocol: fc.constantFrom('oidc', 'saml'),
      ...{ acr: optional(word), amr: fc.subarray(['pwd', 'mfa', 'hwk']) },
      ...{ age: optional(fc.constantFrom(10, 60, 61)), multiFactor: fc.boolean() },
    }),
  ),
  groupRole: optional(fc.constantFrom('admin', 'member', 'none')),
  ...{ approvals: optional(fc.nat(2)), administrators: optional(fc.nat(2)), author: optional(fc.boolean()) },
  tokenRoles: optional(fc.subarray([...ADMINISTRATOR_ROLES])),
});
/** What is asked about what; mostly of what the curious policies look at, else the same would hardly come twice. */
const questions = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      ...([
        'join-meeting group',
        'open-key group',
        'open-key person',
        'find address',
        'find person',
      ] as const),
      ...(['see-name person', 'look-up address', 'look-up bridge', 'enrol address'] as const),
      ...(['activate-policy policy', 'manage-access bridge', 'receive data'] as const),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...ACTIONS),
        fc.constantFrom('person', 'device', 'connection', 'events', 'bridge'),
      )
      .map((words) => words.join(' ')),
  },
);
const requests = fc
  .record({ question: questions, principal, attributes, context })
  .map(({ question, attributes: found, ...rest }) => {
    const [action, kind] = question.split(' ');
    return { ...rest, action, resource: { ...found, kind } } as unknown as DecisionRequest;
  });

describe('what is remembered of decisions', () => {
  it('is what would be decided anew, whatever is asked', () => {
    const content = withFile(CURIOUS);
    // A stopped clock: on a busy machine a decision may take too long, and is refused for that.
    const now = () => 0;
    const remembering = compilePolicy(content, { now });
    const forgetful = compilePolicy(content, { now, remembered: 0 });
    fc.assert(
      fc.property(requests, (request) => {
        expect(remembering.decide(request)).toEqual(forgetful.decide(request));
      }),
      { numRuns: 8_000 },
    );
    expect(remembering.statistics().hits).toBeGreaterThan(2_000);
    expect(forgetful.statistics().hits).toBe(0);
  });

  it('serves different people, as long as no policy names one of them', () => {
    const { decide, statistics } = compilePolicy(withFile(''));
    const ask = (sub: string) =>
      decide({
        action: 'find',
        principal: { kind: 'person', id: sub, assurance: 'member', endorsed: true },
        resource: { kind: 'address', id: `x-${sub}@acme.example`, owner: `x-${sub}` },
        context: {},
      });
    const before = statistics();
    expect(ask('bob')).toBe(ask('alice'));
    expect(statistics()).toMatchObject({ hits: before.hits + 1, misses: before.misses + 1 });
  });

  it('is no failure: what failed is asked again', () => {
    const failures: string[] = [];
    const { decide } = compilePolicy(withFile(''), { onFailure: ({ reason }) => failures.push(reason) });
    const request: DecisionRequest = {
      action: 'enrol',
      principal: { kind: 'person', id: 'alice', assurance: 'member', endorsed: true },
      resource: { kind: 'address', id: 'alice@acme.example', owner: 'alice' },
      context: {},
    };
    decide(request);
    decide(request);
    expect(failures).toHaveLength(2);
  });

  it('is bounded: what was not asked for lately goes first', () => {
    const memo = createDecisionMemo<number>(4);
    memo.keep('a', 1);
    memo.keep('b', 2);
    expect(memo.find('a')).toBe(1);
    memo.keep('c', 3);
    expect(memo.find('b')).toBeUndefined();
    expect([memo.find('a'), memo.find('c')]).toEqual([1, 3]);
    expect(memo).toMatchObject({ hits: 3, misses: 1 });
    for (let each = 0; each < 100; each += 1) memo.keep(`${each}`, each);
    expect(memo.size).toBeLessThanOrEqual(4);
  });
});
