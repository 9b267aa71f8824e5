import { isCountersignError } from '../../../protocol/errors.ts';
import { readHeader } from '../../../protocol/jws.ts';
import { type PolicyBundle, policyContentSchema, policyHash } from '../../../protocol/policy-bundle.ts';
import { type Clock, seconds } from '../../lib/clock.ts';
import type { Signer } from '../../signer/signer.ts';
import type { Database } from '../../storage/database.ts';
import type { PolicyVersionsTable } from '../../storage/tables/policy.ts';
import { findLoggedPolicy } from './logged-policy.ts';
import { findPolicyVersion, policyVersions, replacePolicyBundle } from './policy-store.ts';

export interface RenewalDeps {
  readonly database: Database;
  readonly signer: Pick<Signer, 'iss' | 'sign' | 'onlineKeys'>;
  readonly clock: Clock;
}

/**
 * Signs anew what a compromised key signed: else no policy of its time could be verified any more, nor taken up at the
 * next start. It vouches for what the key log has committed to under that version, and for nothing else, since whoever
 * has the compromised key could have written the row. Answers how many there were.
 */
export async function renewBundles({ database, signer, clock }: RenewalDeps): Promise<number> {
  let renewed = 0;
  for (const version of await database.read(policyVersions)) {
    const row = await database.read((query) => findPolicyVersion(query, version));
    if (row === undefined || !isCompromised(signer, row.bundle)) continue;
    const logged = await database.read((query) => findLoggedPolicy(query, version));
    const content = contentOf(row);
    if (content === undefined || policyHash(content) !== logged?.hash || row.hash !== logged.hash) continue;
    const before = await database.read((query) => findLoggedPolicy(query, version - 1));
    const previous = before?.hash ?? null;
    const claims: PolicyBundle = {
      ...{
        iss: signer.iss,
        iat: seconds(clock),
        version,
        hash: row.hash,
        previous: previous ?? null,
        content,
      },
    };
    const bundle = await signer.sign('statement', 'policy-bundle+jwt', claims);
    await database.transaction((tx) => replacePolicyBundle(tx, { version, before: row.bundle, bundle }));
    renewed += 1;
  }
  return renewed;
}

function isCompromised(signer: Pick<Signer, 'onlineKeys'>, bundle: string): boolean {
  try {
    signer.onlineKeys().find('statement', readHeader(bundle).kid);
    return false;
  } catch (error) {
    return isCountersignError(error, 'key_compromised');
  }
}

function contentOf({ content }: Pick<PolicyVersionsTable, 'content'>): PolicyBundle['content'] | undefined {
  try {
    return policyContentSchema.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}
