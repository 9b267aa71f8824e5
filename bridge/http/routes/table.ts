import { openApiRoute } from '../openapi.ts';
import type { Route } from '../route.ts';
import { enrolmentRoutes } from './enrolments.ts';
import { eventRoutes } from './events.ts';
import { federationRoutes } from './federation.ts';
import { healthRoutes } from './health.ts';
import { lookUpRoutes } from './look-ups.ts';
import { meRoutes } from './me.ts';
import { vaultRoutes } from './vault.ts';

export type ApiDeps = Parameters<typeof enrolmentRoutes>[0] &
  Parameters<typeof eventRoutes>[0] &
  Parameters<typeof federationRoutes>[0] &
  Parameters<typeof healthRoutes>[0] &
  Parameters<typeof lookUpRoutes>[0] &
  Parameters<typeof meRoutes>[0] &
  Parameters<typeof vaultRoutes>[0] & { readonly issuer: string; readonly version: string };

/** Every endpoint of the API, and the document that describes them. */
export function apiRoutes(deps: ApiDeps): Route[] {
  const routes = [
    ...healthRoutes(deps),
    ...federationRoutes(deps),
    ...enrolmentRoutes(deps),
    ...meRoutes(deps),
    ...vaultRoutes(deps),
    ...lookUpRoutes(deps),
    ...eventRoutes(deps),
  ];
  return [...routes, openApiRoute(routes, deps)];
}
