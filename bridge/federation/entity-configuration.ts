import type { EntityConfiguration } from '../../protocol/entity-configuration.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { verifiedDomains } from '../directory/domains.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { ENTITY_CONFIGURATION_LIFE_S } from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';

/** Where bridges send look-ups, below the entity id. */
export const LOOK_UP_PATH = '/federation/v1/lookups';

/** Where an entity configuration stands, below the entity id (OpenID Federation 1.0 §9). */
export const ENTITY_CONFIGURATION_PATH = '/.well-known/openid-federation';

/** Signs this bridge's entity configuration as it stands now. */
export type DescribeEntity = () => Promise<string>;

export function createEntityConfiguration(deps: {
  signer: Signer;
  database: Database;
  clock: Clock;
  organizationName: string;
}): DescribeEntity {
  const { signer, database, clock } = deps;
  return async () => {
    const now = seconds(clock);
    const key = signer.currentKey('federation');
    const configuration: EntityConfiguration = {
      iss: signer.iss,
      sub: signer.iss,
      iat: now,
      exp: Math.min(now + ENTITY_CONFIGURATION_LIFE_S, signer.onlineKeys().exp),
      jwks: { keys: [{ ...key, kid: thumbprint(key) }] },
      metadata: {
        key_bridge: {
          organization_name: deps.organizationName,
          domains: await database.read(verifiedDomains),
          lookup_endpoint: signer.iss + LOOK_UP_PATH,
          online_keys: signer.onlineKeysToken(),
        },
      },
    };
    return signer.sign('federation', 'entity-statement+jwt', configuration);
  };
}
