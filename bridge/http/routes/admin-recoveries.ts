import * as z from 'zod';
import {
  recoveryApprovalSchema,
  recoveryCaseSchema,
  recoverySummarySchema,
} from '../../../protocol/escrow/organization-api.ts';
import type { Recoveries } from '../../binding/recoveries.ts';
import { ENROLMENT_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';
import { officer } from './admin-recovery-key.ts';

interface Deps {
  readonly recoveries: Recoveries;
  readonly decide: Decide;
}

const PATH = '/admin/v1/recoveries';
const answered = { status: 200, description: 'The recovery', schema: recoverySummarySchema };

/** What two administrators recover with the organization's recovery key. */
export function adminRecoveryRoutes(deps: Deps): Route[] {
  return [...seeingRoutes(deps), ...decidingRoutes(deps)];
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
