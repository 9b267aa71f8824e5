import type { ErrorCode } from '../../protocol/errors.ts';
import {
  groupMembershipsRequestSchema,
  groupMembershipsResponseSchema,
} from '../../protocol/groups/federation.ts';
import type { BindingDeps, Credentials } from '../binding/services.ts';
import type { AcceptedRequests } from '../federation/accepted-requests.ts';
import { answerOf, type BridgeCalls } from '../federation/bridge-calls.ts';
import { GROUP_VIEW_RESPONSE_BYTES } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { questionOf, requireGroupOf, seenBy } from './group-questions.ts';
import { type AskMemberships, membershipsOf, readStated } from './memberships.ts';
import { createSignerEvidence } from './signer-evidence.ts';

/** Where partners ask who is in a group, below the entity id. */
export const MEMBERSHIPS_PATH = '/federation/v1/groups/memberships';

/** With these a partner may refuse; they mean the same to whoever asked us. */
const REFUSALS: readonly ErrorCode[] = ['group_unknown', 'group_excluded', 'group_ended'];

export function createForeignMemberships(
  deps: Pick<BindingDeps, 'database' | 'signer'> & { readonly calls: Pick<BridgeCalls, 'askBridge'> },
): AskMemberships {
  return async (who, { iss, group, people }) => {
    const question = await questionOf(deps, who, group);
    const { answer } = await deps.calls.askBridge(iss, {
      type: 'group-memberships-request+jwt',
      endpoint: ({ entity_id }) => entity_id + MEMBERSHIPS_PATH,
      claims: { ...question, people },
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
  const { database, events, requests } = deps;
  const findEvidence = createSignerEvidence(deps);
  return async (token, context) => {
    const type = 'group-memberships-request+jwt';
    const request = await requests.accept(token, type, groupMembershipsRequestSchema);
    const stated = await database.read(async (query) => {
      const { group_id: group } = await requireGroupOf(query, deps, request);
      return readStated(query, group, request.claims.people);
    });
    const memberships = await membershipsOf(findEvidence, stated);
    await events.record(seenBy(request, context));
    return requests.respond(request, 'group-memberships-response+jwt', { memberships });
  };
}
