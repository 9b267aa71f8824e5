import {
  deviceApprovalSchema,
  deviceChallengeSchema,
  deviceRequestBodySchema,
  deviceRequestListSchema,
  deviceRequestSchema,
  deviceRevealSchema,
} from '../../../protocol/api.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import type { DeviceAdditions } from '../../binding/services.ts';
import { ENROLMENT_BODY_BYTES, JSON_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

interface Deps {
  readonly deviceAdditions: DeviceAdditions;
}

const PATH = '/v1/device-requests';
const common = { tag: 'client', authentication: 'device' } as const;
const answered = { status: 200, description: 'The request as it stands', schema: deviceRequestSchema };
const stepErrors: readonly ErrorCode[] = [
  'device_request_unknown',
  'device_request_state',
  'device_request_expired',
  'person_unknown',
  'person_closed',
];

/** Adding a device by approval (PROTOCOL §9). */
export function deviceRequestRoutes(deps: Deps): Route[] {
  return [...askingRoutes(deps), ...comparingRoutes(deps), ...decidingRoutes(deps)];
}

function askingRoutes({ deviceAdditions }: Deps): Route[] {
  return [
    defineRoute({
      ...common,
      method: 'post',
      path: PATH,
      summary: 'Ask for this device to be added',
      body: { schema: deviceRequestBodySchema, maxBytes: JSON_BODY_BYTES },
      response: { ...answered, status: 201 },
      errors: [
        'device_limit',
        'request_id_reused',
        'key_invalid',
        'recrypt_input_invalid',
        'person_unknown',
        'person_closed',
        'conflict',
      ],
      handle: async (request) => ({
        body: await deviceAdditions.request(holderOf(request), request.body, request.context),
      }),
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: PATH,
      summary: 'The pending requests to add a device',
      response: { status: 200, description: 'The requests', schema: deviceRequestListSchema },
      errors: ['person_unknown', 'person_closed'],
      handle: async (request) => ({ body: { requests: await deviceAdditions.list(holderOf(request)) } }),
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: `${PATH}/:id`,
      summary: 'One request to add a device',
      response: answered,
      errors: ['device_request_unknown', 'person_unknown', 'person_closed'],
      handle: async (request) => ({
        body: await deviceAdditions.find(holderOf(request), request.params.id ?? ''),
      }),
    }),
  ];
}

function comparingRoutes({ deviceAdditions }: Deps): Route[] {
  return [
    defineRoute({
      ...common,
      method: 'post',
      path: `${PATH}/:id/challenge`,
      summary: 'The approving device’s nonce, before the reveal',
      body: { schema: deviceChallengeSchema, maxBytes: JSON_BODY_BYTES },
      response: answered,
      errors: [...stepErrors, 'device_not_endorsed', 'device_limit'],
      handle: async (request) => ({
        body: await deviceAdditions.challenge(holderOf(request), request.params.id ?? '', request.body.nonce),
      }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: `${PATH}/:id/reveal`,
      summary: 'The new device’s nonce, after the challenge',
      body: { schema: deviceRevealSchema, maxBytes: JSON_BODY_BYTES },
      response: answered,
      errors: [...stepErrors, 'device_commitment'],
      handle: async (request) => ({
        body: await deviceAdditions.reveal(holderOf(request), request.params.id ?? '', request.body.nonce),
      }),
    }),
  ];
}

function decidingRoutes({ deviceAdditions }: Deps): Route[] {
  return [
    defineRoute({
      ...common,
      method: 'post',
      path: `${PATH}/:id/approval`,
      summary: 'Approve: the endorsement and the transform key of the new device',
      body: { schema: deviceApprovalSchema, maxBytes: ENROLMENT_BODY_BYTES },
      response: answered,
      errors: [
        ...stepErrors,
        'device_not_endorsed',
        'device_limit',
        'endorsement_mismatch',
        'transform_key_mismatch',
        'overloaded',
        'recrypt_input_invalid',
        'conflict',
      ],
      handle: async (request) => ({
        body: await deviceAdditions.approve(
          holderOf(request),
          request.params.id ?? '',
          request.body,
          request.context,
        ),
      }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: `${PATH}/:id/refusal`,
      summary: 'Refuse, or withdraw one’s own request',
      response: answered,
      errors: stepErrors,
      handle: async (request) => ({
        body: await deviceAdditions.refuse(holderOf(request), request.params.id ?? '', request.context),
      }),
    }),
  ];
}
