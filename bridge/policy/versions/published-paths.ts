/** Where the bundle of the policy in force stands, below the entity id. */
export const POLICY_PATH = '/.well-known/countersign/policy';

/** Where each bundle stands by its hash. */
export const POLICY_BUNDLES_PATH = '/v1/policy/bundles';
