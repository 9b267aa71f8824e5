import * as z from 'zod';
import {
  keptEscrowSchema,
  keptKeyBodySchema,
  keptKeySchema,
  readingBodySchema,
  releasedReadingSchema,
} from '../../../protocol/escrow/kept-escrow.ts';
import { recoverySummarySchema } from '../../../protocol/escrow/organization-api.ts';
import type { KeptEscrows } from '../../binding/kept-escrows.ts';
import type { KeptKeys } from '../../groups/kept-keys.ts';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

interface Deps {
  readonly keptEscrows: KeptEscrows;
  readonly keptKeys: KeptKeys;
  readonly decide: Decide;
}

const KEPT = '/admin/v1/kept-escrows';
const READING = '/admin/v1/recoveries';

/** What closed persons had escrowed, and its reading. Two administrators approve it as they approve a recovery. */
export function adminKeptEscrowRoutes({ keptEscrows, keptKeys, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-persons',
      path: KEPT,
      summary: 'What is kept of closed persons’ escrows, and until when',
      response: {
        status: 200,
        description: 'The kept escrows',
        schema: z.strictObject({ kept: z.array(keptEscrowSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { kept: await keptEscrows.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${KEPT}/:id/readings`,
      summary: 'Ask two administrators to let a reader read what a closed person sealed to themselves',
      body: { schema: readingBodySchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The reading', schema: recoverySummarySchema },
      errors: ['escrow_none', 'recrypt_input_invalid', 'request_id_reused', 'rate_limited'],
      handle: async ({ params, body, context }) => ({
        body: await keptEscrows.request(params.id ?? '', body, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${READING}/:id/opening`,
      summary: 'What two administrators released to the reader, which alone opens it',
      response: { status: 200, description: 'The shares', schema: releasedReadingSchema },
      errors: ['recovery_unknown', 'recovery_state', 'escrow_none'],
      handle: async ({ params, context }) => ({ body: await keptEscrows.open(params.id ?? '', context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-recovery',
      path: `${READING}/:id/key-openings`,
      summary: 'A key that was sealed to the closed person, as it was sealed',
      body: { schema: keptKeyBodySchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The key', schema: keptKeySchema },
      errors: ['recovery_unknown', 'recovery_state', 'escrow_none', 'sealed_key_unknown'],
      handle: async ({ params, body, context }) => ({
        body: await keptKeys.open(params.id ?? '', body.key_id, context),
      }),
    }),
  ];
}
