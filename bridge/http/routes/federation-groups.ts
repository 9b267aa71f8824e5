import * as z from 'zod';
import { type AnswerMemberships, MEMBERSHIPS_PATH } from '../../groups/foreign-memberships.ts';
import { type AnswerGroupView, GROUPS_PATH } from '../../groups/foreign-views.ts';
import { JSON_BODY_BYTES, MEMBERSHIPS_REQUEST_BYTES } from '../../lib/limits.ts';
import { defineRoute, type Route } from '../route.ts';

/** What partners ask here about groups, for their people who take part. */
export function federationGroupRoutes({
  answerGroupView,
  answerMemberships,
}: {
  answerGroupView: AnswerGroupView;
  answerMemberships: AnswerMemberships;
}): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: GROUPS_PATH,
      summary: 'Show a partner a group that one of its people takes part in',
      tag: 'federation',
      authentication: 'none',
      body: {
        schema: z.string().describe('A compact JWS of type group-view-request+jwt'),
        maxBytes: JSON_BODY_BYTES,
        mediaType: 'application/group-view-request+jwt',
      },
      response: {
        status: 200,
        description: 'The signed response',
        mediaType: 'application/group-view-response+jwt',
      },
      errors: [
        ...(['partner_unknown', 'partner_suspended', 'forbidden', 'replayed', 'jws_audience'] as const),
        ...(['jws_signature', 'group_unknown', 'group_excluded', 'group_ended', 'group_untrusted'] as const),
      ],
      handle: async ({ body, context }) => ({
        text: await answerGroupView(body, context),
        mediaType: 'application/group-view-response+jwt',
      }),
    }),
    defineRoute({
      method: 'post',
      path: MEMBERSHIPS_PATH,
      summary: 'Tell a partner who is in a group that one of its people takes part in',
      tag: 'federation',
      authentication: 'none',
      body: {
        schema: z.string().describe('A compact JWS of type group-memberships-request+jwt'),
        maxBytes: MEMBERSHIPS_REQUEST_BYTES,
        mediaType: 'application/group-memberships-request+jwt',
      },
      response: {
        status: 200,
        description: 'The signed response',
        mediaType: 'application/group-memberships-response+jwt',
      },
      errors: [
        ...(['partner_unknown', 'partner_suspended', 'forbidden', 'replayed', 'jws_audience'] as const),
        ...(['jws_signature', 'group_unknown', 'group_excluded', 'group_ended'] as const),
      ],
      handle: async ({ body, context }) => ({
        text: await answerMemberships(body, context),
        mediaType: 'application/group-memberships-response+jwt',
      }),
    }),
  ];
}
