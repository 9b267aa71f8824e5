import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';
import { VIA_GROUPS } from '../../protocol/groups/api.ts';
import {
  groupMembershipsRequestSchema,
  groupMembershipsResponseSchema,
} from '../../protocol/groups/federation.ts';
import { readAccess } from '../binding/access.ts';
import { requestBy } from '../binding/permission.ts';
import type { BindingDeps, Credentials } from '../binding/services.ts';
import type { AcceptedRequests } from '../federation/accepted-requests.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import { answerOf, type BridgeCalls } from '../federation/bridge-calls.ts';
import { GROUP_VIEW_RESPONSE_BYTES } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { requireAllowed } from '../policy/decision.ts';
import { groupResource } from './group-resource.ts';
import { findGroup } from './group-store.ts';
import { whyNone } from './group-views.ts';
import { type AskMemberships, membershipsOf, readStated } from './memberships.ts';
import { durableGroupsOf } from './opening-path.ts';
import { createSignerEvidence } from './signer-evidence.ts';
import { mayTakePart } from './taking-part.ts';

/** Where partners ask who is in a group, below the entity id. */
export const MEMBERSHIPS_PATH = '/federation/v1/groups/memberships';

/** With these a partner may refuse; they mean the same to whoever asked us. */
const REFUSALS: readonly ErrorCode[] = ['group_unknown', 'group_excluded', 'group_ended'];

export function createForeignMemberships(
  deps: Pick<BindingDeps, 'database' | 'signer'> & { readonly calls: Pick<BridgeCalls, 'askBridge'> },
): AskMemberships {
  const { database, signer, calls } = deps;
  return async (who, { iss, group, people }) => {
    const via = await database.read(async (query) => {
      await readAccess(query, who);
      return durableGroupsOf(query, { iss: signer.iss, sub: who.sub }, VIA_GROUPS);
    });
    const { answer } = await calls.askBridge(iss, {
      type: 'group-memberships-request+jwt',
      endpoint: ({ entity_id }) => entity_id + MEMBERSHIPS_PATH,
      claims: { group, sub: who.sub, via: via.map(({ group_id }) => group_id), people },
      maxBytes: GROUP_VIEW_RESPONSE_BYTES,
      refusals: REFUSALS,
      verify: answerOf('group-memberships-response+jwt', groupMembershipsResponseSchema),
    });
    return answer.memberships;
  };
}

/** Tells a partner, one of whose people takes part in a group kept here, who is in it. */
export type AnswerMemberships = (token: string, context: RequestContext) => Promise<string>;

export function createPartnerMemberships(
  deps: Pick<BindingDeps, 'database' | 'signer' | 'policy' | 'events' | 'clock'> & {
    readonly credentials: Credentials;
    readonly requests: AcceptedRequests;
  },
): AnswerMemberships {
  const { database, policy, events, requests } = deps;
  const findEvidence = createSignerEvidence(deps);
  return async (token, context) => {
    const type = 'group-memberships-request+jwt';
    const request = await requests.accept(token, type, groupMembershipsRequestSchema);
    const { partner, claims } = request;
    const person = { iss: partner.entity_id, sub: claims.sub };
    const stated = await database.read(async (query) => {
      const group = await findGroup(query, claims.group);
      if (group === undefined) throw new CountersignError('group_unknown');
      const isIn = await mayTakePart(query, claims.group, person, claims.via);
      if (!isIn) throw new CountersignError(await whyNone(query, group, person));
      const resource = groupResource(group);
      const asked = { action: 'see-group', resource, facts: { groupRole: 'member' } } as const;
      requireAllowed(policy.decide, requestBy(askingPartner(partner), asked));
      return readStated(query, claims.group, claims.people);
    });
    const memberships = await membershipsOf(findEvidence, stated);
    await events.record({
      type: 'group.seen',
      actor: { kind: 'partner', iss: partner.entity_id },
      subject: { sub: claims.sub, partner: partner.entity_id, group: claims.group },
      outcome: 'success',
      requestId: context.requestId,
      data: {},
    });
    return requests.respond(request, 'group-memberships-response+jwt', { memberships });
  };
}
