import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { DecisionRequest } from '../../bridge/policy/decision.ts';
import { answerParent } from '../processes/child.ts';

/** Milliseconds of single decisions, with the default policies. */
export interface DecisionTimes {
  /** That no decision before could answer. */
  readonly misses: readonly number[];
  readonly hits: readonly number[];
}

const member = { kind: 'person', id: 'p', assurance: 'member', endorsed: true, connection: 'c' } as const;
const partner = { kind: 'partner', id: 'https://bridge.globex.example', status: 'active' } as const;
const signIn = { protocol: 'oidc', acr: 'urn:mfa', amr: ['pwd', 'otp'], age: 60, multiFactor: true } as const;
const address = { kind: 'address', id: 'a@acme.example', domain: 'acme.example', owner: 'q' } as const;
const group = { kind: 'group', id: 'g', groupKind: 'durable', label: 'Board' } as const;

/** What a bridge decides all day. */
const REQUESTS: readonly DecisionRequest[] = [
  { action: 'look-up', principal: member, resource: { kind: 'bridge', id: 'b' }, context: { signIn } },
  { action: 'find', principal: member, resource: { ...address, assurance: 'member' }, context: { signIn } },
  { action: 'find', principal: partner, resource: { ...address, assurance: 'member' }, context: {} },
  { action: 'see-name', principal: partner, resource: { kind: 'person', id: 'q', owner: 'q' }, context: {} },
  {
    action: 'enrol',
    principal: member,
    resource: { ...address, owner: 'p' },
    context: { devices: 0, signIn },
  },
  {
    ...{ action: 'request-device', principal: member, resource: { kind: 'device', id: 'd', owner: 'p' } },
    context: { devices: 3, signIn },
  },
  { action: 'open-key', principal: member, resource: group, context: { groupRole: 'member', signIn } },
  { action: 'join-meeting', principal: partner, resource: group, context: { groupRole: 'member' } },
  {
    action: 'manage-connections',
    principal: { kind: 'administrator', id: 'x', roles: ['operator'] },
    resource: { kind: 'bridge', id: 'b' },
    context: {},
  },
];

const handlers = {
  decide: (rounds: number): DecisionTimes => {
    const content = readDefaultContent();
    const forgetful = compilePolicy(content, { remembered: 0 });
    const remembering = compilePolicy(content);
    for (const request of REQUESTS) remembering.decide(request);
    return {
      misses: timesOf(rounds, forgetful.decide),
      hits: timesOf(rounds, remembering.decide),
    };
  },
};
export type DecisionProcess = typeof handlers;

function timesOf(
  rounds: number,
  decide: (request: DecisionRequest) => { readonly policy: string },
): number[] {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const request of REQUESTS) {
      const start = performance.now();
      const { policy } = decide(request);
      times.push(performance.now() - start);
      if (policy === 'engine-failed') throw new Error(`${request.action} could not be decided`);
    }
  }
  return times;
}

answerParent(handlers, () => undefined);
