import * as z from 'zod';
import type { ErrorCode } from '../../../protocol/errors.ts';
import {
  meetingMembersSchema,
  meetingRequestSchema,
  meetingRosterSchema,
  meetingStateSchema,
  meetingStreamRequestSchema,
  membersRequestSchema,
  presenceRenewedSchema,
  presenceUploadSchema,
  rekeyUploadSchema,
  relayedSchema,
  renewalUploadSchema,
  rosterRequestSchema,
} from '../../../protocol/meetings/api.ts';
import {
  JSON_BODY_BYTES,
  MEETING_PRESENCE_BODY_BYTES,
  MEETING_REKEY_BODY_BYTES,
  MEETING_REQUEST_BYTES,
} from '../../lib/limits.ts';
import { MEETINGS_PATH } from '../../meetings/foreign-calls.ts';
import type { Meetings } from '../../meetings/services.ts';
import { defineRoute, holderOf, type Route, type ServerSentEvent } from '../route.ts';

const ABOUT = { tag: 'client', authentication: 'device', method: 'post' } as const;

const REFUSED: readonly ErrorCode[] = [
  ...(['group_unknown', 'group_ended', 'group_excluded', 'forbidden', 'device_not_endorsed'] as const),
  ...(['partner_unknown', 'partner_suspended', 'partner_unreachable', 'partner_slow'] as const),
];

/** Meetings: a host's messages to all participants, who is there, and what partners ask for their people. */
export function meetingRoutes({ meetings }: { readonly meetings: Meetings }): Route[] {
  return [
    defineRoute({
      ...{ ...ABOUT, path: '/v1/meetings/state' },
      summary: 'The newest message of a meeting’s host, and how far its messages are',
      body: { schema: meetingRequestSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The state of the meeting', schema: meetingStateSchema },
      errors: REFUSED,
      handle: async (request) => ({ body: await meetings.state(holderOf(request), request.body) }),
    }),
    defineRoute({
      ...{ ...ABOUT, path: '/v1/meetings/members' },
      summary: 'Who has a place in the meeting’s tree of keys, by pages',
      body: { schema: membersRequestSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'One page of members', schema: meetingMembersSchema },
      errors: REFUSED,
      handle: async (request) => ({ body: await meetings.members(holderOf(request), request.body) }),
    }),
    defineRoute({
      ...{ ...ABOUT, path: '/v1/meetings/roster' },
      summary: 'What devices showed to prove that they are in the meeting',
      body: { schema: rosterRequestSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'Evidence of those that are there', schema: meetingRosterSchema },
      errors: REFUSED,
      handle: async (request) => ({ body: await meetings.roster(holderOf(request), request.body) }),
    }),
    defineRoute({
      ...{ ...ABOUT, path: '/v1/meetings/rekeys' },
      summary:
        'Begin a new epoch of a meeting as its host, with the key sealed anew and places for newcomers',
      body: { schema: rekeyUploadSchema, maxBytes: MEETING_REKEY_BODY_BYTES },
      response: { status: 201, description: 'The number of the message', schema: relayedSchema },
      errors: [
        ...(['conflict', 'rekey_sender', 'rekey_mismatch', 'group_not_admin', 'group_unknown'] as const),
        ...(['admission_invalid', 'admission_withheld'] as const),
        ...(['group_ended', 'sealed_key_mismatch', 'recrypt_input_invalid', 'device_not_endorsed'] as const),
      ],
      handle: async (request) => {
        const seq = await meetings.rekey(holderOf(request), request.body, request.context);
        return { status: 201, body: { seq } };
      },
    }),
    defineRoute({
      ...{ ...ABOUT, path: '/v1/meetings/presence' },
      summary: 'Prove that this device is in the meeting',
      body: { schema: presenceUploadSchema, maxBytes: MEETING_PRESENCE_BODY_BYTES },
      response: { status: 201, description: 'The number of the message', schema: relayedSchema },
      errors: [...REFUSED, 'presence_mismatch', 'jws_audience', 'jws_expired', 'rate_limited'],
      handle: async (request) => {
        const seq = await meetings.present(holderOf(request), request.body, request.context);
        return { status: 201, body: { seq } };
      },
    }),
    defineRoute({
      ...{ ...ABOUT, path: '/v1/meetings/presence/renewals' },
      summary: 'Show that this device is still in the meeting, before what it showed is too old',
      body: { schema: renewalUploadSchema, maxBytes: JSON_BODY_BYTES },
      response: {
        status: 201,
        description: 'When the presence is to be renewed again at the latest',
        schema: presenceRenewedSchema,
      },
      errors: [
        ...REFUSED,
        ...([
          'presence_mismatch',
          'replayed',
          'conflict',
          'jws_audience',
          'jws_expired',
          'rate_limited',
        ] as const),
      ],
      handle: async (request) => {
        const expires = await meetings.renew(holderOf(request), request.body);
        return { status: 201, body: { expires } };
      },
    }),
    defineRoute({
      ...{ ...ABOUT, path: '/v1/meetings/leave' },
      summary: 'Leave a meeting with this device',
      body: { schema: meetingRequestSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 204, description: 'It has left, or was not there' },
      errors: REFUSED,
      handle: async (request) => {
        await meetings.leave(holderOf(request), request.body, request.context);
        return { body: null };
      },
    }),
    defineRoute({
      ...{ ...ABOUT, path: '/v1/meetings/stream' },
      summary: 'The messages of a meeting as they come',
      body: { schema: meetingStreamRequestSchema, maxBytes: JSON_BODY_BYTES },
      response: {
        status: 200,
        description:
          'Server-sent events: `rekey`, `placement` (this device’s), `group`, `ended`; to admins `presence` and `left` too. The id of each is its number, for `since`; one with an id alone says that nothing up to it is for this device',
        mediaType: 'text/event-stream',
      },
      errors: [...REFUSED, 'meeting_missed', 'unavailable'],
      handle: async (request) => {
        const who = holderOf(request);
        const tell = await meetings.stream(who, request.body);
        return {
          reader: `device ${who.deviceId}`,
          open: async function* (signal): AsyncGenerator<ServerSentEvent, void> {
            for await (const told of tell(signal)) {
              const id = String(told.seq);
              yield told.kind === 'place' ? { id } : { id, event: told.kind, data: told.data };
            }
          },
        };
      },
    }),
    defineRoute({
      method: 'post',
      path: MEETINGS_PATH,
      summary: 'Answer a partner about a meeting that is kept here, for its people',
      tag: 'federation',
      authentication: 'none',
      body: {
        schema: z.string().describe('A compact JWS of type meeting-request+jwt'),
        maxBytes: MEETING_REQUEST_BYTES,
        mediaType: 'application/meeting-request+jwt',
      },
      response: {
        status: 200,
        description: 'The signed response',
        mediaType: 'application/meeting-response+jwt',
      },
      errors: [
        ...(['partner_unknown', 'partner_suspended', 'replayed', 'jws_audience', 'jws_signature'] as const),
        ...(['group_unknown', 'group_ended', 'group_excluded', 'presence_mismatch'] as const),
        ...(['meeting_missed', 'overloaded', 'rate_limited'] as const),
      ],
      handle: async ({ body, context }) => ({
        text: await meetings.answerPartner(body, context),
        mediaType: 'application/meeting-response+jwt',
      }),
    }),
  ];
}
