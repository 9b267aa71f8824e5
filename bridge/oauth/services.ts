import { parseAddress } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { assertSafeSignatureKey, type SignatureKey, thumbprint } from '../../protocol/public-key.ts';
import { assignAddress, findAddress } from '../directory/addresses.ts';
import { verifiedDomains } from '../directory/domains.ts';
import { insertPerson } from '../directory/persons.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Database } from '../storage/database.ts';
import { deleteGrants } from './record-store.ts';
import { newServiceSchema, SERVICE_ID, type Service, type Services, serviceKeysSchema } from './service.ts';
import {
  findService,
  insertService,
  listServices,
  type StoredService,
  setServiceKeys,
} from './service-store.ts';

/** Where others have the id of a connection: no connection has a colon in its id. */
export const SERVICE_CONNECTION = 'service:';

export interface ServicesDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
}

export function createServices({ database, events, clock }: ServicesDeps): Services {
  return {
    async register(given, { actor, requestId }) {
      const { name, assurance, jwks, ...asked } = newServiceSchema.parse(given);
      const { address, domain } = parseAddress(asked.address);
      const now = seconds(clock);
      const [id, sub] = [SERVICE_ID + newId(), newId()];
      const keys = namedKeys(jwks.keys);
      const row = { id, sub, name, assurance, address, created: now };
      await database.transaction(async (tx) => {
        if (!(await verifiedDomains(tx)).includes(domain)) throw new CountersignError('domain_unknown');
        if ((await findAddress(tx, address)) !== undefined) throw new CountersignError('address_taken');
        await insertPerson(tx, { sub, name, assurance, created: now });
        await assignAddress(tx, {
          ...{ address, domain, sub, now, primary: true },
          connectionId: SERVICE_CONNECTION,
        });
        await insertService(tx, { ...row, jwks: JSON.stringify({ keys }) });
        await events.append(tx, {
          ...{ type: 'service.registered', actor, requestId, outcome: 'success' },
          ...{ subject: { sub, address, app: id }, data: { name, assurance } },
        });
      });
      return { ...row, status: 'active' };
    },

    async replaceKeys(id, given, { actor, requestId }) {
      const keys = namedKeys(serviceKeysSchema.parse(given).keys);
      return database.transaction(async (tx) => {
        const service = await findService(tx, id);
        if (service?.status !== 'active') throw new CountersignError('app_unknown');
        await setServiceKeys(tx, id, keys);
        // Whoever had a key that is given up may hold a token still.
        await deleteGrants(tx, [SERVICE_CONNECTION + id]);
        await events.append(tx, {
          ...{ type: 'service.keys_replaced', actor, requestId, outcome: 'success' },
          subject: { sub: service.sub, address: service.address, app: id },
          data: { keys: keys.map(({ kid }) => kid).join(' ') },
        });
        return shown(service);
      });
    },

    async list() {
      return (await database.read(listServices)).map(shown);
    },

    async get(id) {
      const found = await database.read((query) => findService(query, id));
      if (found === undefined) throw new CountersignError('app_unknown');
      return shown(found);
    },
  };
}

/** By their thumbprints. Throws `key_invalid`. */
function namedKeys<Key extends SignatureKey>(keys: readonly Key[]) {
  for (const key of keys) assertSafeSignatureKey(key);
  return keys.map((key) => ({ ...key, kid: thumbprint(key) }));
}

function shown({ keys: _keys, ...service }: StoredService): Service {
  return service;
}
