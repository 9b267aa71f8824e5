import { describe, expect, it } from 'vitest';
import { DECISION_TIME_MS, DECISION_TRIES } from '../../bridge/lib/limits.ts';
import { type CompileOptions, compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { DecisionRequest } from '../../bridge/policy/decision.ts';
import type { DecisionFailure } from '../../bridge/policy/engine/decider.ts';
import { onlyFile, policyText, withFile } from './policy-texts.ts';

const REFUSED = {
  effect: 'deny',
  policy: 'engine-failed',
  policies: [],
  reason: 'The policy could not be asked, so nothing is allowed.',
};

const request: DecisionRequest = {
  action: 'enrol',
  principal: { kind: 'person', id: 'alice', assurance: 'member', endorsed: false },
  resource: { kind: 'address', id: 'alice@acme.example', owner: 'alice' },
  context: { devices: 3 },
};

function compiled(content = readDefaultContent(), options: CompileOptions = {}) {
  const failures: DecisionFailure[] = [];
  const policy = compilePolicy(content, { ...options, onFailure: (failure) => failures.push(failure) });
  return { policy, failures };
}

/** A clock that stands still but for decisions, of which each takes the next of these times; then none. */
function slowClock(): { now: () => number; takes: (...times: number[]) => void } {
  let left: number[] = [];
  let time = 0;
  let started = false;
  return {
    now: () => {
      if (started) time += left.shift() ?? 0;
      started = !started;
      return time;
    },
    takes: (...times) => {
      left = times;
    },
  };
}

describe('a decision is refused, and somebody told', () => {
  it('when a policy errs, though Cedar would leave that policy out and allow', () => {
    const text = policyText(
      'overflows',
      `forbid (principal, action == Countersign::Action::"enrol", resource)
       when { context.devices * 9223372036854775807 < 0 }`,
    );
    const { policy, failures } = compiled(withFile(text));
    expect(policy.decide(request)).toEqual({ ...REFUSED, hash: policy.hash });
    expect(failures).toEqual([
      { request, hash: policy.hash, reason: expect.stringMatching(/^overflows errs: /) },
    ]);
    expect(policy.statistics().failures).toBe(1);
    expect(policy.decide({ ...request, context: { devices: 0 } }).effect).toBe('allow');
  });

  it('when Cedar does not take the request', () => {
    const { policy, failures } = compiled();
    expect(policy.decide({ ...request, context: { devices: 1.5 } })).toMatchObject(REFUSED);
    expect(failures).toHaveLength(1);
  });

  it('when anything throws', () => {
    const { policy, failures } = compiled();
    const context = {
      get devices(): number {
        throw new Error('the store is gone');
      },
    };
    expect(policy.decide({ ...request, context })).toMatchObject(REFUSED);
    expect(failures).toMatchObject([{ reason: 'the store is gone' }]);
  });

  it('when it takes too long in every try', () => {
    const clock = slowClock();
    const { policy, failures } = compiled(readDefaultContent(), { now: clock.now });
    clock.takes(...Array.from({ length: DECISION_TRIES }, () => DECISION_TIME_MS + 1));
    expect(policy.decide(request)).toMatchObject(REFUSED);
    expect(failures).toMatchObject([{ reason: 'the decision took longer than 10 ms' }]);
  });
});

describe('a decision stands', () => {
  it('when one try takes too long and the next one does not', () => {
    const clock = slowClock();
    const { policy, failures } = compiled(readDefaultContent(), { now: clock.now });
    clock.takes(DECISION_TIME_MS + 1, DECISION_TIME_MS);
    expect(policy.decide(request)).toMatchObject({ effect: 'allow', policy: 'enrol-self' });
    expect(failures).toEqual([]);
  });

  it('after one that failed', () => {
    const clock = slowClock();
    const { policy } = compiled(readDefaultContent(), { now: clock.now });
    clock.takes(...Array.from({ length: DECISION_TRIES }, () => DECISION_TIME_MS + 1));
    expect(policy.decide(request).effect).toBe('deny');
    expect(policy.decide(request).effect).toBe('allow');
  });

  it('of its own policy, however many others were compiled and asked meanwhile', () => {
    const first = compilePolicy(withFile(''), { remembered: 0 });
    const closed = policyText('closed', 'forbid (principal, action, resource)');
    const others = Array.from({ length: 24 }, (_, index) =>
      compilePolicy(withFile(`${closed}// ${index}\n`), { remembered: 0 }),
    );
    for (const other of others) expect(other.decide(request).policy).toBe('closed');
    expect(first.decide(request).policy).toBe('enrol-self');
    for (const other of others) expect(other.decide(request).policy).toBe('closed');
  });

  it('without the permits that are nearest to it, when Cedar cannot take these apart', () => {
    const text = policyText(
      'long',
      `permit (principal, action == Countersign::Action::"enrol", resource)
       when { context.own && (context.devices < 0${' || false'.repeat(70)}) }`,
    );
    const { policy, failures } = compiled(onlyFile(text));
    expect(policy.decide(request)).toMatchObject({ effect: 'deny', policy: 'no-permit', nearest: [] });
    expect(failures).toEqual([]);
  });

  it('only where the schema foresees the question: a permit for everything is none for the rest', () => {
    const { policy } = compiled(withFile(policyText('everything', 'permit (principal, action, resource)')));
    const administrator = { kind: 'administrator', id: 'ada', roles: [] } as const;
    expect(policy.decide({ ...request, principal: administrator })).toMatchObject({
      effect: 'deny',
      policy: 'no-permit',
      nearest: [],
    });
  });
});
