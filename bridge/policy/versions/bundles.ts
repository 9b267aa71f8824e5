import { CountersignError } from '../../../protocol/errors.ts';
import { sha256Base64url } from '../../lib/hash.ts';
import type { Database } from '../../storage/database.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import { findPolicyBundle } from './policy-store.ts';

/** A bundle, and the name under which caches know these very bytes. */
export interface PublishedBundle {
  readonly bundle: string;
  readonly tag: string;
}

/** The bundles as anybody may read them. */
export interface PolicyBundles {
  /** That of the policy that this process decides by. Throws `policy_unavailable`. */
  current(): PublishedBundle;
  /** That of any policy that was ever in force here. Throws `policy_unknown`. */
  find(hash: string): Promise<string>;
}

export function createPolicyBundles(deps: {
  readonly database: Database;
  readonly policyInForce: Pick<PolicyInForce, 'current'>;
}): PolicyBundles {
  return {
    current() {
      const { current } = deps.policyInForce;
      if (current === undefined) throw new CountersignError('policy_unavailable');
      return { bundle: current.bundle, tag: sha256Base64url(current.bundle) };
    },
    async find(hash) {
      const bundle = await deps.database.read((query) => findPolicyBundle(query, hash));
      if (bundle === undefined) throw new CountersignError('policy_unknown');
      return bundle;
    },
  };
}
