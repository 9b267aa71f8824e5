import {
  deviceRotationRequestSchema,
  deviceRotationResultSchema,
  rotationRequestSchema,
  rotationResultSchema,
  rotationStartSchema,
} from '../../../protocol/rotation.ts';
import type { RotateDevice } from '../../binding/device-rotation.ts';
import type { Rotations } from '../../binding/rotations.ts';
import { ENROLMENT_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** Rotation of a person's keys and of a device's (PROTOCOL §3, §9). */
export function rotationRoutes({
  rotations,
  rotateDevice,
}: {
  rotations: Rotations;
  rotateDevice: RotateDevice;
}): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/rotations/next',
      summary:
        'What a rotation of the person’s keys begins with: the statement, and the devices with their endorsements',
      tag: 'client',
      authentication: 'device',
      response: { status: 200, description: 'The statement and the devices', schema: rotationStartSchema },
      errors: ['device_not_endorsed', 'person_unknown', 'person_closed', 'conflict', 'unavailable'],
      handle: async (request) => ({ body: await rotations.start(holderOf(request)) }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/rotations',
      summary: 'Rotate the person’s keys behind the same public key; answers once the statement is published',
      tag: 'client',
      authentication: 'device',
      body: { schema: rotationRequestSchema, maxBytes: ENROLMENT_BODY_BYTES },
      response: { status: 200, description: 'The stapled credential', schema: rotationResultSchema },
      errors: [
        'request_id_reused',
        'rotation_factor',
        'rotation_proof',
        'statement_signature',
        'claims_invalid',
        'key_invalid',
        'endorsement_mismatch',
        'recrypt_input_invalid',
        'device_not_endorsed',
        'person_unknown',
        'person_closed',
        'conflict',
        'unavailable',
      ],
      handle: async (request) => ({
        body: await rotations.rotate(holderOf(request), request.body, request.context),
      }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/devices/current/rotation',
      summary: 'Replace the encryption key of the asking device, and its transform key with it',
      tag: 'client',
      authentication: 'device',
      body: { schema: deviceRotationRequestSchema, maxBytes: ENROLMENT_BODY_BYTES },
      response: { status: 200, description: 'The new device binding', schema: deviceRotationResultSchema },
      errors: [
        'rotation_proof',
        'endorsement_mismatch',
        'transform_key_mismatch',
        'overloaded',
        'key_invalid',
        'recrypt_input_invalid',
        'device_not_endorsed',
        'person_unknown',
        'person_closed',
        'conflict',
      ],
      handle: async (request) => ({
        body: await rotateDevice(holderOf(request), request.body, request.context),
      }),
    }),
  ];
}
