import * as z from 'zod';
import {
  recoveryApprovalSchema,
  recoveryCaseSchema,
  recoveryHalfSchema,
  recoveryKeySchema,
  recoverySummarySchema,
} from '../../../protocol/escrow/organization-api.ts';
import type { Officer } from '../../binding/officers.ts';
import type { Recoveries } from '../../binding/recoveries.ts';
import type { RecoveryKeys } from '../../binding/recovery-key.ts';
import { ENROLMENT_BODY_BYTES, JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

interface Deps {
  readonly recoveries: Recoveries;
  readonly recoveryKeys: RecoveryKeys;
  readonly decide: Decide;
}

const KEY = '/admin/v1/recovery-key';
const PATH = '/admin/v1/recoveries';
const answered = { status: 200, description: 'The recovery', schema: recoverySummarySchema };

/** The organization's recovery key, and what two administrators recover with it. */
export function adminRecoveryRoutes(deps: Deps): Route[] {
  return [...keyRoutes(deps), ...seeingRoutes(deps), ...decidingRoutes(deps)];
}

function officer({ administrator }: { administrator: Officer | null }): Officer {
  if (administrator === null) throw new TypeError('an administrator route without one');
  return administrator;
}

function keyRoutes({ recoveryKeys, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: KEY,
      summary: 'The public halves of the organization’s recovery key',
      response: { status: 200, description: 'The halves', schema: recoveryKeySchema },
      errors: [],
      handle: async () => ({ body: await recoveryKeys.describe() }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${KEY}/halves`,
      summary: 'Register one’s own half, of which the private half never leaves one’s machine',
      body: { schema: recoveryHalfSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The halves', schema: recoveryKeySchema },
      errors: ['recovery_half', 'recovery_officer', 'recrypt_input_invalid'],
      handle: async (request) => ({
        body: await recoveryKeys.register(officer(request), request.body, request.context),
      }),
    }),
  ];
}

function seeingRoutes({ recoveries, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-persons',
      path: PATH,
      summary: 'The recoveries that wait for administrators',
      response: {
        status: 200,
        description: 'The recoveries',
        schema: z.strictObject({ recoveries: z.array(recoverySummarySchema) }),
      },
      errors: [],
      handle: async () => ({ body: { recoveries: await recoveries.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'manage-recovery',
      path: `${PATH}/:id`,
      summary: 'One recovery, with the device to compare and the shares that the halves open',
      response: { status: 200, description: 'The recovery', schema: recoveryCaseSchema },
      errors: [
        'recovery_unknown',
        'escrow_none',
        'person_unknown',
        'person_closed',
        'conflict',
        'unavailable',
      ],
      handle: async ({ params }) => ({ body: await recoveries.describe(params.id ?? '') }),
    }),
  ];
}

function decidingRoutes({ recoveries, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${PATH}/:id/approval`,
      summary: 'Give the share of one’s half to the device; the second one releases',
      body: { schema: recoveryApprovalSchema, maxBytes: ENROLMENT_BODY_BYTES },
      response: answered,
      errors: [
        'recovery_unknown',
        'recovery_state',
        'recovery_expired',
        'recovery_half',
        'recovery_officer',
        'escrow_none',
        'person_unknown',
        'person_closed',
        'recrypt_input_invalid',
        'conflict',
        'unavailable',
      ],
      handle: async (request) => ({
        body: await recoveries.approve(
          officer(request),
          request.params.id ?? '',
          request.body,
          request.context,
        ),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${PATH}/:id/refusal`,
      summary: 'Refuse a recovery',
      response: answered,
      errors: ['recovery_unknown', 'recovery_state', 'recovery_expired'],
      handle: async ({ params, context }) => ({ body: await recoveries.refuse(params.id ?? '', context) }),
    }),
  ];
}
