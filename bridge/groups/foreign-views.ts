import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';
import { groupViewRequestSchema, groupViewResponseSchema } from '../../protocol/groups/federation.ts';
import type { BindingDeps, Credentials } from '../binding/services.ts';
import type { AcceptedRequests } from '../federation/accepted-requests.ts';
import { answerOf, type BridgeCalls } from '../federation/bridge-calls.ts';
import { GROUP_VIEW_RESPONSE_BYTES } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { questionOf, requireGroupOf, seenBy } from './group-questions.ts';
import { groupViewOf, readGroupRecord, type ViewForeignGroup } from './group-views.ts';
import { createSignerEvidence } from './signer-evidence.ts';

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
  return async (who, { iss, group, since_seq }) => {
    const question = await questionOf(deps, who, group);
    const { answer } = await deps.calls.askBridge(iss, {
      type: 'group-view-request+jwt',
      endpoint: ({ entity_id }) => entity_id + GROUPS_PATH,
      claims: { ...question, ...(since_seq === undefined ? {} : { since_seq }) },
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
  const { database, signer, clock, events, requests } = deps;
  const find = createSignerEvidence(deps);
  return async (token, context) => {
    const request = await requests.accept(token, 'group-view-request+jwt', groupViewRequestSchema);
    const record = await database.read(async (query) =>
      readGroupRecord(query, await requireGroupOf(query, deps, request), request.claims.since_seq),
    );
    const view = await groupViewOf({ signer, clock, find }, record);
    await events.record(seenBy(request, context));
    return requests.respond(request, 'group-view-response+jwt', { view });
  };
}
