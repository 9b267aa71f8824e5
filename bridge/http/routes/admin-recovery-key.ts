import * as z from 'zod';
import {
  drillAnswerSchema,
  escrowCoverageSchema,
  recoveryDrillSchema,
  recoveryHalfSchema,
  recoveryKeySchema,
  replacementApprovalSchema,
  replacementBodySchema,
} from '../../../protocol/escrow/organization-api.ts';
import type { EscrowCoverages } from '../../binding/escrow-coverage.ts';
import type { Officer } from '../../binding/officers.ts';
import type { RecoveryDrills } from '../../binding/recovery-drills.ts';
import type { RecoveryKeys } from '../../binding/recovery-key.ts';
import type { RecoveryKeyReplacement } from '../../binding/recovery-key-replacement.ts';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

interface Deps {
  readonly recoveryKeys: RecoveryKeys;
  readonly recoveryKeyReplacement: RecoveryKeyReplacement;
  readonly recoveryDrills: RecoveryDrills;
  readonly escrowCoverages: EscrowCoverages;
  readonly decide: Decide;
}

const KEY = '/admin/v1/recovery-key';
const shown = { status: 200, description: 'The halves', schema: recoveryKeySchema };
const drill = { status: 200, description: 'The drill', schema: recoveryDrillSchema };

/** The organization's recovery key: its halves, what takes their place, whom they cover, whether they work. */
export function adminRecoveryKeyRoutes(deps: Deps): Route[] {
  return [...keyRoutes(deps), ...replacementRoutes(deps), ...drillRoutes(deps)];
}

export function officer({ administrator }: { administrator: Officer | null }): Officer {
  if (administrator === null) throw new TypeError('an administrator route without one');
  return administrator;
}

function keyRoutes({ recoveryKeys, escrowCoverages, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: KEY,
      summary: 'The public halves of the organization’s recovery key',
      response: shown,
      errors: [],
      handle: async () => ({ body: await recoveryKeys.describe() }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-persons',
      path: `${KEY}/coverage`,
      summary: 'How many people’s keys the recovery key covers, and whose it does not',
      query: z.strictObject({ after: z.string().max(64).optional() }),
      response: { status: 200, description: 'The coverage', schema: escrowCoverageSchema },
      errors: [],
      handle: async ({ query }) => ({ body: await escrowCoverages.report(query.after) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${KEY}/halves`,
      summary: 'Register one’s own half, of which the private half never leaves one’s machine',
      body: { schema: recoveryHalfSchema, maxBytes: JSON_BODY_BYTES },
      response: { ...shown, status: 201 },
      errors: ['recovery_half', 'recovery_officer', 'recrypt_input_invalid'],
      handle: async (request) => ({
        body: await recoveryKeys.register(officer(request), request.body, request.context),
      }),
    }),
  ];
}

function replacementRoutes({ recoveryKeyReplacement: replacement, decide }: Deps): Route[] {
  const path = `${KEY}/replacement`;
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path,
      summary: 'Begin to replace the recovery key, or go on with it',
      body: { schema: replacementBodySchema, maxBytes: JSON_BODY_BYTES },
      response: { ...shown, status: 201 },
      errors: ['recovery_half'],
      handle: async ({ body, context }) => ({ body: await replacement.begin(body.reason, context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${path}/approvals`,
      summary:
        'Approve the two new halves, by one’s half of before where it is there; the second one ends it',
      body: { schema: replacementApprovalSchema, maxBytes: JSON_BODY_BYTES },
      response: shown,
      errors: ['recovery_state', 'recovery_half', 'recovery_officer'],
      handle: async (request) => ({
        body: await replacement.approve(officer(request), request.body, request.context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${path}/abandonment`,
      summary: 'Give the replacement up: the recovery key of before stays',
      response: shown,
      errors: ['recovery_state'],
      handle: async ({ context }) => ({ body: await replacement.abandon(context) }),
    }),
  ];
}

function drillRoutes({ recoveryDrills, decide }: Deps): Route[] {
  const path = `${KEY}/drills`;
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path,
      summary: 'Begin a drill, which shows that both halves work and opens nobody’s key, or go on with it',
      response: { ...drill, status: 201 },
      errors: ['recovery_half'],
      handle: async ({ context }) => ({ body: await recoveryDrills.begin(context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path,
      summary: 'The newest drill, if there was one',
      response: {
        ...drill,
        description: 'The drills',
        schema: z.strictObject({ drills: z.array(recoveryDrillSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { drills: await recoveryDrills.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${path}/:id/answers`,
      summary: 'What one’s half opened; the second half passes the drill',
      body: { schema: drillAnswerSchema, maxBytes: JSON_BODY_BYTES },
      response: drill,
      errors: ['recovery_unknown', 'recovery_expired', 'recovery_half', 'recovery_officer'],
      handle: async (request) => ({
        body: await recoveryDrills.answer(
          officer(request),
          request.params.id ?? '',
          request.body,
          request.context,
        ),
      }),
    }),
  ];
}
