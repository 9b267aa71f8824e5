import * as z from 'zod';
import type { SignInTraces } from '../../identity/sign-in.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const traceSchema = z.strictObject({
  traceId: z.string(),
  code: z.string(),
  connectionId: z.string().nullable(),
  time: z.int(),
  detail: z.string().nullable(),
});

/** Why a sign-in was refused, by the id that the person reads out. */
export function adminTraceRoutes({ traces, decide }: { traces: SignInTraces; decide: Decide }): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-persons',
      path: '/admin/v1/traces/:trace',
      summary: 'Why a sign-in was refused',
      response: { status: 200, description: 'The refusal', schema: traceSchema },
      errors: ['not_found'],
      handle: async ({ params }) => ({ body: await traces.get(params.trace ?? '') }),
    }),
  ];
}
