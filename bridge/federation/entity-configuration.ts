import type { EntityConfiguration } from '../../protocol/entity-configuration.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { verifiedDomains } from '../directory/domains.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { ENTITY_CONFIGURATION_LIFE_S } from '../lib/limits.ts';
import type { PolicyInForce } from '../policy/versions/policy-in-force.ts';
import { POLICY_BUNDLES_PATH } from '../policy/versions/published-paths.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';

/** Where bridges send look-ups, below the entity id. */
export const LOOK_UP_PATH = '/federation/v1/lookups';

/** Where partners push security event tokens (RFC 8935), below the entity id. */
export const SIGNALS_PATH = '/federation/v1/signals';

/** The prefix of the key log's tiles and checkpoint (C2SP tlog-tiles), below the entity id. */
export const LOG_PATH = '/log';

/** The prefix of the witness that a bridge may be (C2SP tlog-witness), below the entity id. */
export const WITNESS_PATH = '/witness';

/** Where an entity configuration stands, below the entity id (OpenID Federation 1.0 §9). */
export const ENTITY_CONFIGURATION_PATH = '/.well-known/openid-federation';

/** Signs this bridge's entity configuration as it stands now. */
export type DescribeEntity = () => Promise<string>;

export function createEntityConfiguration(deps: {
  signer: Signer;
  database: Database;
  clock: Clock;
  organizationName: string;
  readonly policyInForce: Pick<PolicyInForce, 'current'>;
  /** The verifier key of the witness that this bridge is, if it is one. */
  witnessKey?: string | undefined;
}): DescribeEntity {
  const { signer, database, clock } = deps;
  return async () => {
    const now = seconds(clock);
    const key = signer.currentKey('federation');
    const configuration = {
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
          log_endpoint: signer.iss + LOG_PATH,
          signals_endpoint: signer.iss + SIGNALS_PATH,
          ...policyOf(deps.policyInForce.current, signer.iss),
          ...(deps.witnessKey === undefined
            ? {}
            : { witness: { vkey: deps.witnessKey, url: signer.iss + WITNESS_PATH } }),
        },
      },
    };
    return signer.sign('federation', 'entity-statement+jwt', configuration satisfies EntityConfiguration);
  };
}

/** Named by its hash, so that whoever reads this later finds the very same. */
function policyOf(
  current: PolicyInForce['current'],
  iss: string,
): Pick<EntityConfiguration['metadata']['key_bridge'], 'policy'> {
  if (current === undefined) return {};
  const { version, hash } = current;
  return { policy: { version, hash, uri: `${iss}${POLICY_BUNDLES_PATH}/${hash}` } };
}
