import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';
import { VIA_GROUPS } from '../../protocol/groups/api.ts';
import { groupViewRequestSchema, groupViewResponseSchema } from '../../protocol/groups/federation.ts';
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
import { groupViewOf, readGroupRecord, type ViewForeignGroup, whyNone } from './group-views.ts';
import { durableGroupsOf } from './opening-path.ts';
import { createSignerEvidence } from './signer-evidence.ts';
import { mayTakePart } from './taking-part.ts';

/** Where partners ask for a group, below the entity id. */
export const GROUPS_PATH = '/federation/v1/groups';

/** With these a partner may refuse; they mean the same to whoever asked us. */
const REFUSALS: readonly ErrorCode[] = ['group_unknown', 'group_excluded', 'group_ended', 'group_untrusted'];

/**
 * Asks the bridge at which a group lives, for a person of ours. What it answers about the group is signed by people,
 * and for the client to verify: we only see to it that the answer is about this group.
 */
export function createForeignViews(
  deps: Pick<BindingDeps, 'database' | 'signer'> & { readonly calls: Pick<BridgeCalls, 'askBridge'> },
): ViewForeignGroup {
  const { database, signer, calls } = deps;
  return async (who, { iss, group, since_seq }) => {
    const via = await database.read(async (query) => {
      await readAccess(query, who);
      return durableGroupsOf(query, { iss: signer.iss, sub: who.sub }, VIA_GROUPS);
    });
    const { answer } = await calls.askBridge(iss, {
      type: 'group-view-request+jwt',
      endpoint: ({ entity_id }) => entity_id + GROUPS_PATH,
      claims: {
        ...{ group, sub: who.sub, via: via.map(({ group_id }) => group_id) },
        ...(since_seq === undefined ? {} : { since_seq }),
      },
      maxBytes: GROUP_VIEW_RESPONSE_BYTES,
      refusals: REFUSALS,
      verify: answerOf('group-view-response+jwt', groupViewResponseSchema),
    });
    if (answer.view.iss !== iss || answer.view.group !== group) {
      throw new CountersignError('partner_lying', 'The partner answers for another group.');
    }
    return answer.view;
  };
}

/** Shows a partner a group kept here that a person of its takes part in. Answers `group-view-response+jwt`. */
export type AnswerGroupView = (token: string, context: RequestContext) => Promise<string>;

export function createPartnerViews(
  deps: Pick<BindingDeps, 'database' | 'signer' | 'policy' | 'events' | 'clock'> & {
    readonly credentials: Credentials;
    readonly requests: AcceptedRequests;
  },
): AnswerGroupView {
  const { database, signer, policy, events, requests } = deps;
  const findEvidence = createSignerEvidence(deps);
  return async (token, context) => {
    const request = await requests.accept(token, 'group-view-request+jwt', groupViewRequestSchema);
    const { partner, claims } = request;
    const person = { iss: partner.entity_id, sub: claims.sub };
    const record = await database.read(async (query) => {
      const group = await findGroup(query, claims.group);
      if (group === undefined) throw new CountersignError('group_unknown');
      const isIn = await mayTakePart(query, claims.group, person, claims.via);
      if (!isIn) throw new CountersignError(await whyNone(query, group, person));
      const resource = groupResource(group);
      const asked = { action: 'see-group', resource, facts: { groupRole: 'member' } } as const;
      requireAllowed(policy.decide, requestBy(askingPartner(partner), asked));
      return readGroupRecord(query, group, claims.since_seq);
    });
    const view = await groupViewOf({ signer, clock: deps.clock, find: findEvidence }, record);
    await events.record({
      type: 'group.seen',
      actor: { kind: 'partner', iss: partner.entity_id },
      subject: { sub: claims.sub, partner: partner.entity_id, group: claims.group },
      outcome: 'success',
      requestId: context.requestId,
      data: {},
    });
    return requests.respond(request, 'group-view-response+jwt', { view });
  };
}
