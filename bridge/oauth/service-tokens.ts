import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { isCountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { noteSeen } from '../directory/devices.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { SERVICE_ASSERTION_LIFE_S } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import { consumeOnce } from '../storage/one-time.ts';
import { keepGrantFacts, saveRecord } from './record-store.ts';
import type { StoredService } from './service-store.ts';
import { findService } from './service-store.ts';
import { SERVICE_CONNECTION } from './services.ts';

/**
 * How a service signed in: by a key (RFC 8176 `pop`), at no IdP. Identity attributes have no word for it, so that others
 * are told nothing of a sign-in.
 */
const SIGN_IN = { protocol: 'service', acr: null, amr: ['pop'], authTime: null };

/** Tokens of services stand where those of people do, and end in the same ways: with the device, with the entry. */
export function serviceTokenAdapter(
  { database, clock }: { database: Database; clock: Clock },
  nothing: Adapter,
): Adapter {
  return {
    ...nothing,
    async upsert(id, payload, life) {
      const now = seconds(clock);
      await database.transaction(async (tx) => {
        const service = await findService(tx, payload.clientId ?? '');
        if (service?.status !== 'active') throw new errors.InvalidClient('the service is closed');
        const grantId = SERVICE_CONNECTION + service.id;
        await keepGrantFacts(tx, {
          ...{ grant_id: grantId, sub: service.sub, app_id: service.id, created: now },
          ...{ connection_id: SERVICE_CONNECTION, sign_in: JSON.stringify(SIGN_IN) },
        });
        const record = { ...payload, accountId: service.sub, grantId };
        await saveRecord(tx, 'AccessToken', id, record, now + Math.max(1, life ?? 1));
        if (typeof payload.jkt === 'string') await noteSeen(tx, payload.jkt, now);
      });
    },
  };
}

/** The service as the library's client: it proves itself by its keys and has the one grant. */
export function serviceClient(service: StoredService): AdapterPayload {
  return {
    client_id: service.id,
    client_name: service.name,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'Ed25519',
    jwks: { keys: service.keys },
    dpop_bound_access_tokens: true,
    id_token_signed_response_alg: 'Ed25519',
  } as AdapterPayload;
}

/** What an assertion must say besides what the library checks, and verified when this is asked. Each counts once. */
export function createAssertionCheck({ database, clock }: { database: Database; clock: Clock }) {
  return async (claims: Record<string, unknown>, issuer: string): Promise<void> => {
    const { aud, exp, jti, iss } = claims;
    const now = seconds(clock);
    if (aud !== issuer) throw new errors.InvalidClientAuth('aud must be the issuer');
    if (typeof exp !== 'number' || exp <= now || exp > now + SERVICE_ASSERTION_LIFE_S) {
      throw new errors.InvalidClientAuth('exp must be within five minutes');
    }
    if (typeof jti !== 'string' || typeof iss !== 'string')
      throw new errors.InvalidClientAuth('jti must be text');
    const id = sha256Base64url(`${iss}\n${jti}`);
    await database
      .transaction((tx) => consumeOnce(tx, 'client-assertion', id, exp * 1000))
      .catch((cause: unknown) => {
        if (!isCountersignError(cause, 'replayed')) throw cause;
        throw new errors.InvalidClientAuth('the client assertion was already used');
      });
  };
}
