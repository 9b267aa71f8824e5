import type { RequestListener } from 'node:http';
import type { Network } from '../lib/networks.ts';
import type { AuthorizationServer } from '../oauth/authorization-server.ts';
import { type AppDeps, createApp } from './app.ts';
import { createDeviceAuthentication } from './authenticate-device.ts';
import { showNothingHere } from './pages/nothing-here.ts';
import { createRateLimit } from './rate-limit.ts';
import { type DevicePagesDeps, devicePages } from './routes/device-sign-in.ts';
import { oauthMiddleware } from './routes/oauth.ts';
import { type SignInPagesDeps, signInPages } from './routes/sign-in.ts';
import { type ApiDeps, apiRoutes } from './routes/table.ts';

export type ComposedAppDeps = ApiDeps &
  Omit<SignInPagesDeps, 'noteRefusal'> &
  Omit<DevicePagesDeps, 'rateLimit'> &
  Pick<AppDeps, 'events' | 'logger' | 'observeRequest' | 'streams'> &
  Omit<Parameters<typeof createDeviceAuthentication>[0], 'findHolder'> & {
    readonly authorizationServer: AuthorizationServer;
    readonly trustedProxies: readonly Network[];
  };

/** Everything that answers over HTTP: the API, the sign-in pages and the authorization server. */
export function composeApp(deps: ComposedAppDeps): RequestListener {
  const { administrators, apps, authorizationServer } = deps;
  const rateLimit = createRateLimit(deps.cache);
  const noteRefusal = (address: string) => rateLimit.noteRefusal(address);
  const app = createApp({
    ...deps,
    rateLimit,
    authenticateDevice: createDeviceAuthentication({ ...deps, findHolder: authorizationServer.findHolder }),
    authenticateAdministrator: (authorization) => administrators.authenticate(authorization),
    authenticateReceiver: (authorization) => deps.sentSignals.tokens.authenticate(authorization),
    isAllowedOrigin: (origin) => apps.isAllowedOrigin(origin),
    routes: apiRoutes(deps),
    pages: [
      oauthMiddleware(authorizationServer, rateLimit),
      ...signInPages({ ...deps, noteRefusal }),
      ...devicePages({ ...deps, rateLimit }),
    ],
    showNothingHere: showNothingHere(deps),
  });
  return app.callback();
}
