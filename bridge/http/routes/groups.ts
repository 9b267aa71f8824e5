import * as z from 'zod/mini';
import {
  exclusionsBodySchema,
  groupConfirmationSchema,
  groupKeysBodySchema,
  groupListSchema,
  groupOfferSchema,
  groupRequestSchema,
  groupVaultSchema,
  groupViewBodySchema,
  groupViewSchema,
  membersBodySchema,
  membershipsBodySchema,
  membershipsSchema,
  membersPageSchema,
  membersResultSchema,
} from '../../../protocol/groups/api.ts';
import type { Groups } from '../../groups/services.ts';
import {
  GROUP_BODY_BYTES,
  GROUP_EXCLUSIONS_BODY_BYTES,
  GROUP_MEMBERS_BODY_BYTES,
  JSON_BODY_BYTES,
} from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

const pageQuerySchema = z.strictObject({
  kind: z.optional(z.enum(['person', 'group'])),
  after: z.optional(
    z.pipe(
      z.string().check(z.regex(/^\d{1,15}$/, 'must be a whole number')),
      z.transform((text: string) => Number(text)),
    ),
  ),
});

const ofDevice = ['device_not_endorsed', 'person_unknown', 'person_closed'] as const;
const ofAdmin = [...ofDevice, 'group_unknown', 'group_not_admin', 'group_ended', 'conflict'] as const;
const ofToken = [
  ...['jws_signature', 'jws_unknown_key', 'jws_not_yet_valid', 'claims_invalid', 'group_key_mismatch'],
] as const;
const ofAdmins = ['not_enrolled', 'unavailable', 'key_invalid', 'recrypt_input_invalid'] as const;
const view = { status: 200, description: 'The group', schema: groupViewSchema };

/** Groups that live here, for their admins and for whoever takes part (PROTOCOL §10). */
export function groupRoutes(deps: { groups: Groups }): Route[] {
  return [...makingRoutes(deps), ...seeingRoutes(deps), ...memberRoutes(deps), ...keyRoutes(deps)];
}

function makingRoutes({ groups: { making } }: { groups: Groups }): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/groups',
      summary: 'Begin to make a group: the bridge’s share of its key',
      tag: 'client',
      authentication: 'device',
      body: { schema: groupRequestSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The offer', schema: groupOfferSchema },
      errors: [...ofDevice, ...ofAdmins, 'request_id_reused', 'group_limit'],
      handle: async (request) => ({
        body: await making.offer(holderOf(request), request.body, request.context),
      }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/groups/offers/:id/confirmation',
      summary: 'Confirm a group',
      tag: 'client',
      authentication: 'device',
      body: { schema: groupConfirmationSchema, maxBytes: GROUP_BODY_BYTES },
      response: view,
      errors: [
        ...([...ofDevice, ...ofAdmins, ...ofToken, 'group_offer_unknown', 'group_offer_expired'] as const),
        ...(['group_proof', 'group_not_admin', 'replayed', 'conflict'] as const),
      ],
      handle: async (request) => ({
        body: await making.confirm(holderOf(request), request.params.id ?? '', request.body, request.context),
      }),
    }),
  ];
}

function seeingRoutes({ groups: { views } }: { groups: Groups }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/groups',
      summary: 'The groups kept here in which the person takes part',
      tag: 'client',
      authentication: 'device',
      response: { status: 200, description: 'The groups, the newest first', schema: groupListSchema },
      errors: ofDevice,
      handle: async (request) => ({ body: await views.list(holderOf(request)) }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/groups/view',
      summary:
        'A group’s keys, admins and exclusions, with what shows who signed them; a partner’s through its bridge',
      tag: 'client',
      authentication: 'device',
      body: { schema: groupViewBodySchema, maxBytes: JSON_BODY_BYTES },
      response: view,
      errors: [
        ...([...ofDevice, 'group_unknown', 'group_excluded', 'group_ended', 'group_untrusted'] as const),
        ...(['partner_unknown', 'partner_suspended', 'partner_unreachable', 'partner_slow'] as const),
        ...(['partner_refuses', 'partner_lying'] as const),
      ],
      handle: async (request) => ({
        body: await views.view(holderOf(request), request.body, request.context),
      }),
    }),
  ];
}

function memberRoutes({ groups: { members } }: { groups: Groups }): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/groups/:group/members',
      summary: 'Add or remove members; whoever is removed can be given nothing more when this is answered',
      tag: 'client',
      authentication: 'device',
      body: { schema: membersBodySchema, maxBytes: GROUP_MEMBERS_BODY_BYTES },
      response: {
        status: 200,
        description: 'Where the chain stands, and receipts',
        schema: membersResultSchema,
      },
      errors: [
        ...([...ofAdmin, ...ofToken, 'membership_stale', 'transform_key_mismatch'] as const),
        ...(['recrypt_input_invalid', 'not_enrolled', 'partner_unknown', 'partner_suspended'] as const),
        ...(['group_limit', 'request_id_reused'] as const),
      ],
      handle: async (request) => ({
        body: await members.change(
          holderOf(request),
          request.params.group ?? '',
          request.body,
          request.context,
        ),
      }),
    }),
    defineRoute({
      method: 'get',
      path: '/v1/groups/:group/members',
      summary: 'Who is in a group, by the statements that put them there',
      tag: 'client',
      authentication: 'device',
      query: pageQuerySchema,
      response: { status: 200, description: 'A page', schema: membersPageSchema },
      errors: [...ofDevice, 'group_unknown', 'group_excluded', 'group_ended', 'malformed_request'],
      handle: async (request) => ({
        body: await members.list(holderOf(request), request.params.group ?? '', request.query),
      }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/groups/memberships',
      summary: 'Which of these people are in a group, by the statements that put them there',
      tag: 'client',
      authentication: 'device',
      body: { schema: membershipsBodySchema, maxBytes: JSON_BODY_BYTES },
      response: {
        status: 200,
        description: 'The statements of those who are, in no order',
        schema: membershipsSchema,
      },
      errors: [
        ...([...ofDevice, 'group_unknown', 'group_excluded', 'group_ended'] as const),
        ...(['partner_unknown', 'partner_suspended', 'partner_unreachable', 'partner_slow'] as const),
        ...(['partner_refuses', 'partner_lying'] as const),
      ],
      handle: async (request) => ({ body: await members.find(holderOf(request), request.body) }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/groups/:group/exclusions',
      summary: 'Shut persons out of a group, or let them in again, however they came in',
      tag: 'client',
      authentication: 'device',
      body: { schema: exclusionsBodySchema, maxBytes: GROUP_EXCLUSIONS_BODY_BYTES },
      response: view,
      errors: [...ofAdmin, ...ofToken, 'jws_expired', 'replayed', 'group_limit'],
      handle: async (request) => ({
        body: await members.exclude(
          holderOf(request),
          request.params.group ?? '',
          request.body,
          request.context,
        ),
      }),
    }),
  ];
}

function keyRoutes({ groups: { keys, endings } }: { groups: Groups }): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/groups/:group/keys',
      summary:
        'Sign a group’s key anew, for other admins for example, or rotate it behind the same public key',
      tag: 'client',
      authentication: 'device',
      body: { schema: groupKeysBodySchema, maxBytes: GROUP_BODY_BYTES },
      response: view,
      errors: [...ofAdmin, ...ofToken, ...ofAdmins, 'group_key_chain', 'group_proof', 'payload_too_large'],
      handle: async (request) => ({
        body: await keys.renew(holderOf(request), request.params.group ?? '', request.body, request.context),
      }),
    }),
    defineRoute({
      method: 'get',
      path: '/v1/groups/:group/vault',
      summary: 'The group’s private halves as sealed to the asking admin, transformed for their device',
      tag: 'client',
      authentication: 'device',
      response: { status: 200, description: 'The sealed box', schema: groupVaultSchema },
      errors: [...ofAdmin, 'group_vault_missing', 'overloaded', 'unavailable'],
      handle: async (request) => ({
        body: await keys.openVault(holderOf(request), request.params.group ?? '', request.context),
      }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/groups/:group/end',
      summary: 'End a meeting: its share and transform keys are deleted when this is answered',
      tag: 'client',
      authentication: 'device',
      response: view,
      errors: [...ofAdmin, 'malformed_request'],
      handle: async (request) => ({
        body: await endings.end(holderOf(request), request.params.group ?? '', request.context),
      }),
    }),
  ];
}
