import type { IncomingMessage, ServerResponse } from 'node:http';
import Provider, { errors } from 'oidc-provider';
import requestStorage from 'oidc-provider/lib/helpers/als.js';
import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { findConnection } from '../identity/connection-store.ts';
import type { SignedIn } from '../identity/sign-in.ts';
import { seconds } from '../lib/clock.ts';
import { DEVICE_CODE_LIFE_S, GRANT_LIFE_S } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { type RequestContext, SYSTEM } from '../lib/request-context.ts';
import { keyspace } from '../storage/cache.ts';
import { findApp } from './app-store.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import { createDeviceCodes, type Report } from './device-codes.ts';
import { findBegun } from './interaction-adapter.ts';
import {
  API_SCOPE,
  AUTHORIZATION_PATH,
  apiResource,
  type ProviderDeps,
  providerConfiguration,
  SCOPES,
  signInPath,
} from './provider-configuration.ts';
import { reportProviderEvents } from './provider-events.ts';
import {
  deleteGrants,
  deleteRecordsOf,
  grantsOf,
  insertGrantFacts,
  purgeGrantFacts,
  purgeRecords,
} from './record-store.ts';
import { createFindHolder } from './token-holder.ts';

export interface AuthorizationServerDeps extends Omit<ProviderDeps, 'renderError'> {
  readonly events: EventLog;
  readonly logger: Logger;
  /** The page for a browser that cannot be sent back to the app: `description` is the library's public text. */
  readonly errorPage: (description: string, context: RequestContext) => string;
}

const DISCOVERY = new Set(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']);

export function createAuthorizationServer(deps: AuthorizationServerDeps): AuthorizationServer {
  const { database, clock, issuer } = deps;
  const contexts = new WeakMap<IncomingMessage, RequestContext>();
  const contextOf = (request: IncomingMessage) => contexts.get(request) ?? SYSTEM;

  const configuration = providerConfiguration({
    ...deps,
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = deps.errorPage(out.error_description ?? out.error, contextOf(ctx.req));
    },
  });
  const provider = new Provider(issuer, configuration);
  // The library then believes the forwarded host and protocol, which `asIssuer` sets.
  provider.proxy = true;
  const patient = new WeakSet<IncomingMessage>();
  const decided = keyspace(deps.cache, 'oauth-usercode-decided');
  reportProviderEvents(provider, {
    ...{ events: deps.events, logger: deps.logger },
    onWaiting: (ctx) => patient.add(ctx.req),
    contextOf: (ctx) => contextOf(ctx.req),
  });
  const answer = provider.callback();
  const begunBy = findBegun(deps.cache);
  let answering = 0;

  /** Of a browser that loads the address of its request again. */
  const begunByAddress = async ({ method, url = '/' }: IncomingMessage) => {
    const { pathname, searchParams } = new URL(url, issuer);
    const isAgain = method === 'GET' && pathname === AUTHORIZATION_PATH;
    return isAgain ? begunBy(searchParams.get('request_uri')) : undefined;
  };

  const begun = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      return await provider.interactionDetails(request, response);
    } catch (cause) {
      if (!(cause instanceof errors.SessionNotFound)) throw cause;
      throw new CountersignError('sign_in_unknown', undefined, { cause });
    }
  };

  async function saveGrant(
    clientId: string,
    { sub, connectionId, signIn }: SignedIn,
    report?: Report,
  ): Promise<string> {
    const grant = new provider.Grant({ accountId: sub, clientId });
    grant.addOIDCScope(SCOPES.join(' '));
    grant.addResourceScope(apiResource(issuer), API_SCOPE);
    const grantId = await grant.save();
    await database.transaction(async (tx) => {
      // Disabling ends the grants that there are: none may come after it.
      const connection = await findConnection(tx, connectionId);
      if (connection?.status === 'disabled') throw new CountersignError('connection_inactive');
      await insertGrantFacts(tx, {
        ...{ grant_id: grantId, sub, app_id: clientId, connection_id: connectionId },
        ...{ sign_in: JSON.stringify(signIn), created: seconds(clock) },
      });
      await report?.(tx);
    });
    return grantId;
  }

  return {
    serves: (path) => path.startsWith('/oauth/') || DISCOVERY.has(path),

    async answer(request, response, context) {
      contexts.set(request, context);
      asIssuer(request, issuer);
      const begunBefore = await begunByAddress(request);
      if (begunBefore !== undefined) {
        response.writeHead(303, { Location: signInPath(begunBefore), 'Cache-Control': 'no-store' }).end();
        return false;
      }
      answering += 1;
      try {
        await answer(request, response);
      } finally {
        answering -= 1;
        // The library follows its requests by it, at a price for every promise of the process (Node before 24).
        if (answering === 0) requestStorage.disable();
      }
      return response.statusCode >= 400 && !patient.has(request);
    },

    deviceCodes: createDeviceCodes({
      ...{ provider, saveGrant, scope: API_SCOPE, resource: apiResource(issuer) },
      findApp: (id) => database.read((query) => findApp(query, id)),
      decideOnce: (userCode) => decided.consumeOnce(userCode, DEVICE_CODE_LIFE_S * 2_000),
    }),

    async interaction(request, response) {
      const { uid, params } = await begun(request, response);
      const app = await database.read((query) => findApp(query, String(params.client_id)));
      if (app === undefined) throw new CountersignError('sign_in_unknown', 'The app was removed.');
      const hint = params.login_hint;
      return {
        uid,
        app,
        loginHint: typeof hint === 'string' && hint !== '' ? hint : null,
        fresh:
          params.max_age !== undefined ||
          String(params.prompt ?? '')
            .split(' ')
            .includes('login'),
      };
    },

    async finish(request, response, signedIn) {
      const { params } = await begun(request, response);
      const grantId = await saveGrant(String(params.client_id), signedIn);
      const { sub, signIn } = signedIn;
      const login = {
        accountId: sub,
        remember: false,
        amr: [...signIn.amr],
        ...(signIn.acr === null ? {} : { acr: signIn.acr }),
        ...(signIn.authTime === null ? {} : { ts: signIn.authTime }),
      };
      return provider.interactionResult(
        request,
        response,
        { login, consent: { grantId } },
        { mergeWithLastSubmission: false },
      );
    },

    async abandon(request, response) {
      await begun(request, response);
      const result = { error: 'access_denied', error_description: 'The person did not sign in.' };
      return provider.interactionResult(request, response, result, { mergeWithLastSubmission: false });
    },

    findHolder: createFindHolder(deps),

    async revokeDevice(tx, deviceId) {
      const issued = await deleteGrants(tx, await grantsOf(tx, { jkt: deviceId }));
      return issued + (await deleteRecordsOf(tx, 'jkt', deviceId));
    },

    async revokePerson(tx, sub) {
      const issued = await deleteGrants(tx, await grantsOf(tx, { sub }));
      return issued + (await deleteRecordsOf(tx, 'account_id', sub));
    },

    purge() {
      const now = seconds(clock);
      return database.transaction(async (tx) => {
        await purgeGrantFacts(tx, now - GRANT_LIFE_S);
        return purgeRecords(tx, now);
      });
    },
  };
}

/**
 * Makes a request look as if it had come to the issuer's own URL: every URL that the library builds, and the target
 * that it holds DPoP proofs against, is then the configured one, whatever `Host` or the request line said.
 */
function asIssuer(request: IncomingMessage, issuer: string): void {
  const { host, protocol } = new URL(issuer);
  request.headers.host = host;
  request.headers['x-forwarded-host'] = host;
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
  if (request.url?.startsWith('/') !== true) request.url = '/';
}
