import * as z from 'zod';
import { dueGroupRotationsSchema } from '../../../protocol/groups/api.ts';
import type { DueRotations } from '../../groups/due-rotations.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

/** Groups, as administrators of the bridge see them: not what is in them. */
export function adminGroupRoutes({
  dueRotations,
  decide,
}: {
  readonly dueRotations: DueRotations;
  readonly decide: Decide;
}): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-persons',
      path: '/admin/v1/groups/rotations-due',
      summary: 'Durable groups whose keys are older than policy lets them be, and since when',
      query: z.strictObject({ after: z.string().max(64).optional() }),
      response: { status: 200, description: 'The groups', schema: dueGroupRotationsSchema },
      errors: [],
      handle: async ({ query }) => ({ body: await dueRotations.list(query.after) }),
    }),
  ];
}
