import type { Query, Transaction } from '../../storage/database.ts';
import type { PolicyVersionsTable } from '../../storage/tables/policy.ts';

type Reader = Query | Transaction;

/** A version without its texts. */
export type PolicyVersionSummary = Omit<PolicyVersionsTable, 'content' | 'bundle'>;

const SUMMARY = ['version', 'hash', 'activated', 'activated_by', 'draft'] as const;

/** The version in force: the highest. */
export async function newestPolicyVersion(reader: Reader): Promise<PolicyVersionsTable | undefined> {
  return reader
    .selectFrom('policy_versions')
    .selectAll()
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** The number of the version in force: all that is to be read to see whether there is another one. */
export async function newestPolicyNumber(reader: Reader): Promise<number | undefined> {
  const row = await reader
    .selectFrom('policy_versions')
    .select('version')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.version;
}

export async function findPolicyVersion(
  reader: Reader,
  version: number,
): Promise<PolicyVersionsTable | undefined> {
  return reader.selectFrom('policy_versions').selectAll().where('version', '=', version).executeTakeFirst();
}

/** Newest first, below `before` where it is given. */
export async function listPolicyVersions(
  reader: Reader,
  { before, limit }: { before?: number | undefined; limit: number },
): Promise<PolicyVersionSummary[]> {
  const newest = reader.selectFrom('policy_versions').select(SUMMARY).orderBy('version', 'desc').limit(limit);
  return (before === undefined ? newest : newest.where('version', '<', before)).execute();
}

/** The bundle of a policy that was in force: that of its first version, so that a hash always answers the same. */
export async function findPolicyBundle(reader: Reader, hash: string): Promise<string | undefined> {
  const row = await reader
    .selectFrom('policy_versions')
    .select('bundle')
    .where('hash', '=', hash)
    .orderBy('version')
    .limit(1)
    .executeTakeFirst();
  return row?.bundle;
}

/** Throws `conflict` where there is such a version already: somebody else brought one into force just now. */
export async function insertPolicyVersion(tx: Transaction, row: PolicyVersionsTable): Promise<void> {
  await tx.insertInto('policy_versions').values(row).execute();
}

/** Takes away what stands there from a version on. */
export async function deletePolicyVersionsFrom(tx: Transaction, version: number): Promise<void> {
  await tx.deleteFrom('policy_versions').where('version', '>=', version).execute();
}

/** The numbers of all versions, oldest first. */
export async function policyVersions(reader: Reader): Promise<number[]> {
  const rows = await reader.selectFrom('policy_versions').select('version').orderBy('version').execute();
  return rows.map(({ version }) => version);
}

/** The one change that a version ever sees: its bundle signed anew, when the key that signed it was compromised. */
export async function replacePolicyBundle(
  tx: Transaction,
  { version, before, bundle }: { version: number; before: string; bundle: string },
): Promise<void> {
  await tx
    .updateTable('policy_versions')
    .set({ bundle })
    .where('version', '=', version)
    .where('bundle', '=', before)
    .execute();
}
