import { CountersignError } from '../../protocol/errors.ts';
import { loggedOwnRecord } from '../../protocol/logged-records.ts';
import type { PublishedTrust } from '../../protocol/published-trust.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import { POLICY_NAME } from '../policy/versions/logged-policy.ts';
import type { PolicyInForce } from '../policy/versions/policy-in-force.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import type { PartnerRecords } from './partner-records.ts';

/** Where a bridge shows that its record and policy are in its log, below the entity id. */
export const LOGGED_TRUST_PATH = '/.well-known/countersign/logged-trust';

/**
 * This bridge's own record and the policy in force, with the proofs that the key log has them as the newest: what a
 * partner was told it can hold against what everybody is shown. Throws `policy_unavailable`, and `unavailable` while
 * one of them waits for its epoch.
 */
export type PublishTrust = () => Promise<PublishedTrust>;

export function createPublishTrust(deps: {
  readonly records: Pick<PartnerRecords, 'ownRecord'>;
  readonly keyLog: Pick<KeyLog, 'published' | 'staple'>;
  readonly policyInForce: Pick<PolicyInForce, 'current'>;
  readonly database: Database;
  readonly signer: Pick<Signer, 'iss' | 'onlineKeysToken'>;
}): PublishTrust {
  const { records, keyLog, policyInForce, database, signer } = deps;
  return async () => {
    const { iss: _, domains, ...record } = await records.ownRecord();
    const { current } = policyInForce;
    if (current === undefined) throw new CountersignError('policy_unavailable');
    const { version, hash } = current;
    const logged = loggedOwnRecord({ ...record, domains, iss: signer.iss });
    // what nobody has asked for yet was staged just now
    await keyLog.published(logged.kind, logged.name, logged.version);
    const [recordProof, policyProof] = await database.read(async (query) => [
      await keyLog.staple(query, logged.kind, logged.name, logged.version),
      await keyLog.staple(query, 'policy', POLICY_NAME, version),
    ]);
    if (recordProof === null || policyProof === null) {
      throw new CountersignError(
        'unavailable',
        'A change is on its way into the log; ask again in a moment.',
      );
    }
    return {
      ...{ iss: signer.iss, online_keys: signer.onlineKeysToken() },
      record: { ...record, domains: [...domains], log_proof: recordProof },
      policy: { version, hash, log_proof: policyProof },
    };
  };
}
