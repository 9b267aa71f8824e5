import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import type { Query } from '../../storage/database.ts';

/** The content of this hash, of whichever version it was, or `undefined`. */
export async function findPolicyContent(query: Query, hash: string): Promise<PolicyContent | undefined> {
  const row = await query
    .selectFrom('policy_versions')
    .select('content')
    .where('hash', '=', hash)
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : JSON.parse(row.content);
}
