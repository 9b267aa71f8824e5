import type { StagingLog } from '../keylog/key-log.ts';
import { newestVersion } from '../keylog/version-store.ts';
import type { Policy } from '../policy/policy.ts';
import type { Database } from '../storage/database.ts';

/** Under which the key log has the policy's versions. */
const NAME = 'policy';

/**
 * Stages the policy in force in the key log unless it is the newest version there already: which policy a binding
 * names by hash can be looked up later. Answers its version.
 */
export async function stagePolicy(
  deps: { readonly database: Database; readonly keyLog: StagingLog },
  policy: Policy,
): Promise<number> {
  return deps.database.transaction(async (tx) => {
    const newest = await newestVersion(tx, 'policy', NAME);
    if (newest?.value_hash === policy.hash) return newest.version;
    const version = newest === undefined ? 0 : newest.version + 1;
    await deps.keyLog.stage(tx, { kind: 'policy', name: NAME, version, value: policy.document });
    return version;
  });
}
