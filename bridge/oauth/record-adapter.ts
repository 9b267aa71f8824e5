import { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import { noteSeen } from '../directory/devices.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { AUTHORIZATION_REQUEST_LENGTH, GRANT_LIFE_S } from '../lib/limits.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';
import type { App } from './app.ts';
import { findApp } from './app-store.ts';
import { deviceCodeAdapter } from './device-code-adapter.ts';
import { interactionAdapter } from './interaction-adapter.ts';
import {
  consumeRecord,
  deleteGrants,
  deleteRecord,
  findRecord,
  type RecordModel,
  saveRecord,
} from './record-store.ts';
import { redirectUriKind } from './redirect-uri.ts';
import { createReplayAdapter } from './replay-adapter.ts';
import { findService } from './service-store.ts';
import { serviceClient, serviceTokenAdapter } from './service-tokens.ts';

export interface RecordAdapterDeps {
  readonly database: Database;
  readonly cache: Keyspace;
  readonly clock: Clock;
}

const PUSHED = 'PushedAuthorizationRequest';

/** Where the library keeps each kind of thing. */
export function createRecordAdapters(deps: RecordAdapterDeps): AdapterFactory {
  return (model) => {
    switch (model) {
      case 'Client':
        return appAdapter(deps.database);
      case 'Session':
        return NOTHING;
      case 'ReplayDetection':
        return createReplayAdapter(NOTHING, deps.cache);
      case 'Interaction':
        return interactionAdapter({
          cache: deps.cache,
          interactions: cacheAdapter(deps.cache, model),
          takeRequest: async (id) => (await recordsOf(deps.cache, PUSHED).take(id)) !== undefined,
        });
      case PUSHED:
        return cacheAdapter(deps.cache, model);
      case 'DeviceCode':
        return deviceCodeAdapter(deps.cache);
      case 'ClientCredentials':
        return serviceTokenAdapter(deps, NOTHING);
      case 'AuthorizationCode':
      case 'AccessToken':
      case 'RefreshToken':
      case 'Grant':
        return databaseAdapter(deps, model);
      default:
        return NOTHING;
    }
  };
}

/**
 * Nothing is remembered, nothing is found. So it is with sessions: every sign-in of an app asks the IdP, whose session
 * is the company's; the bridge has none of its own that could outlive it.
 */
const NOTHING: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
};

/** Codes, tokens and grants: on disk before they are handed out. */
function databaseAdapter({ database, clock }: RecordAdapterDeps, model: RecordModel): Adapter {
  return {
    ...NOTHING,
    async upsert(id, payload, life) {
      const now = seconds(clock);
      await database.transaction(async (tx) => {
        await saveRecord(tx, model, id, payload, now + (life ?? GRANT_LIFE_S));
        // Every device in use asks for one in minutes; nothing else has to be written for this.
        if (model === 'AccessToken' && typeof payload.jkt === 'string') await noteSeen(tx, payload.jkt, now);
      });
    },
    async find(id) {
      const found = await database.read((query) => findRecord(query, model, id));
      if (found === undefined) return undefined;
      return { ...found.payload, ...(found.consumed === null ? {} : { consumed: found.consumed }) };
    },
    /** The library looks first and marks afterwards: two at once both see it unused, and one is stopped here. */
    async consume(id) {
      const first = await database.transaction(async (tx) => {
        if (await consumeRecord(tx, model, id, seconds(clock))) return true;
        const grantId = (await findRecord(tx, model, id))?.payload.grantId;
        if (typeof grantId === 'string') await deleteGrants(tx, [grantId]);
        return false;
      });
      if (!first) throw new errors.InvalidGrant('already used');
    },
    async destroy(id) {
      await database.transaction((tx) =>
        model === 'Grant' ? deleteGrants(tx, [id]).then(() => {}) : deleteRecord(tx, model, id),
      );
    },
    async revokeByGrantId(grantId) {
      await database.transaction((tx) => deleteGrants(tx, [grantId]));
    },
  };
}

/** What a browser or an app has begun: it may be lost, and anybody can begin as much as the cache has room for. */
function cacheAdapter(cache: Keyspace, model: string): Adapter {
  const records = recordsOf(cache, model);
  return {
    ...NOTHING,
    async upsert(id, payload, life) {
      const value = JSON.stringify(payload);
      if (value.length > AUTHORIZATION_REQUEST_LENGTH) {
        throw new errors.InvalidRequest('the request is too large');
      }
      await records.set(id, value, Math.max(1, life ?? 1) * 1000);
    },
    async find(id) {
      const value = id.length > ID_LENGTH ? undefined : await records.get(id);
      return value === undefined ? undefined : (JSON.parse(value) as AdapterPayload);
    },
    async consume(id) {
      if (!(await records.consumeOnce(id, USED_MEMORY_MS))) {
        throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
      }
      await records.delete(id);
    },
    async destroy(id) {
      await records.delete(id);
    },
  };
}

function recordsOf(cache: Keyspace, model: string): Keyspace {
  return keyspace(cache, `oauth-${model.toLowerCase()}`);
}

/** Ids that the library makes are 43 characters; longer ones are the browser's own invention. */
const ID_LENGTH = 128;
const USED_MEMORY_MS = 15 * 60_000;

/** The registered apps as the library's clients; read each time, so that a removed app is gone at once. */
function appAdapter(database: Database): Adapter {
  return {
    ...NOTHING,
    async find(id) {
      const app = await database.read((query) => findApp(query, id));
      if (app !== undefined) return clientOf(app);
      const service = await database.read((query) => findService(query, id));
      return service?.status === 'active' ? serviceClient(service) : undefined;
    },
  };
}

/** RFC 8628 §3.4. */
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Neither kind may use the grant of the other: a code that somebody is talked into typing makes no person's session. */
function clientOf(app: App): AdapterPayload {
  const native = app.redirectUris.some((uri) => redirectUriKind(uri) === 'native');
  return {
    client_id: app.id,
    client_name: app.name,
    redirect_uris: [...app.redirectUris],
    application_type: app.kind === 'room' || native ? 'native' : 'web',
    token_endpoint_auth_method: 'none',
    response_types: app.kind === 'room' ? [] : ['code'],
    grant_types: [app.kind === 'room' ? DEVICE_GRANT : 'authorization_code', 'refresh_token'],
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true,
    id_token_signed_response_alg: 'Ed25519',
    cors_origins: [...app.corsOrigins],
  } as AdapterPayload;
}
