import * as z from 'zod/mini';
import { CountersignError } from '../../../protocol/errors.ts';
import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import { PAGE_ROWS } from '../../lib/limits.ts';
import type { Database } from '../../storage/database.ts';
import {
  findPolicyVersion,
  listPolicyVersions,
  newestPolicyVersion,
  type PolicyVersionSummary,
} from './policy-store.ts';

/** A version of the policy. `activated` in seconds; `by` is null where the bridge did it by itself. */
export interface VersionSummary {
  readonly version: number;
  readonly hash: string;
  readonly activated: number;
  readonly by: { readonly id: string; readonly name: string | null } | null;
  readonly draft: string | null;
}

export interface DescribedPolicy extends VersionSummary {
  readonly inForce: boolean;
  readonly content: PolicyContent;
  /** The newest first. */
  readonly history: readonly VersionSummary[];
}

export interface PolicyHistory {
  /** The version in force, or the given one. Throws `policy_unknown`, `policy_unavailable`. */
  describe(version?: number): Promise<DescribedPolicy>;
}

export function createPolicyHistory({ database }: { readonly database: Database }): PolicyHistory {
  return {
    describe: (wanted) =>
      database.read(async (query) => {
        const newest = await newestPolicyVersion(query);
        if (newest === undefined) throw new CountersignError('policy_unavailable');
        const row = await findPolicyVersion(query, wanted ?? newest.version);
        if (row === undefined) throw new CountersignError('policy_unknown', `There is no version ${wanted}.`);
        const history = await listPolicyVersions(query, { limit: PAGE_ROWS });
        return {
          ...summary(row),
          inForce: row.version === newest.version,
          content: JSON.parse(row.content),
          history: history.map(summary),
        };
      }),
  };
}

const storedBy = z.union([z.object({ id: z.string(), name: z.nullable(z.string()) }), z.string()]);

function summary({ version, hash, activated, activated_by, draft }: PolicyVersionSummary): VersionSummary {
  const by = storedBy.parse(JSON.parse(activated_by));
  return { version, hash, activated, by: typeof by === 'string' ? null : by, draft };
}
