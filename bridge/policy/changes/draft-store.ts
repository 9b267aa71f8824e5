import { POLICY_DRAFTS } from '../../lib/limits.ts';
import type { Query, Transaction } from '../../storage/database.ts';
import type { PolicyApprovalsTable, PolicyDraftsTable } from '../../storage/tables/policy.ts';
import type { AdministratorRoot, Approval } from './administrator-roots.ts';

type Reader = Query | Transaction;

export type StoredDraft = Readonly<PolicyDraftsTable>;
export type StoredApproval = Readonly<PolicyApprovalsTable>;

/** A draft without its texts. */
export type StoredDraftSummary = Omit<StoredDraft, 'content'>;

const SUMMARY = [
  ...(['id', 'hash', 'based_on', 'note', 'created', 'status', 'administrators'] as const),
  ...(['author', 'author_name', 'author_root', 'author_root_name'] as const),
] as const;

export async function insertDraft(tx: Transaction, draft: StoredDraft): Promise<void> {
  await tx.insertInto('policy_drafts').values(draft).execute();
}

export async function findDraft(reader: Reader, id: string): Promise<StoredDraft | undefined> {
  return reader.selectFrom('policy_drafts').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The newest first. */
export async function listStoredDrafts(reader: Reader): Promise<StoredDraftSummary[]> {
  return reader
    .selectFrom('policy_drafts')
    .select(SUMMARY)
    .orderBy('id', 'desc')
    .limit(POLICY_DRAFTS)
    .execute();
}

/**
 * Makes room for one draft more: of as many as are kept, the oldest that cannot come into force any more is forgotten.
 * Answers whether there is room.
 */
export async function makeRoom(tx: Transaction, inForce: number): Promise<boolean> {
  const drafts = await tx
    .selectFrom('policy_drafts')
    .select(['id', 'status', 'based_on'])
    .orderBy('id')
    .execute();
  const tooMany = drafts.length - POLICY_DRAFTS + 1;
  if (tooMany <= 0) return true;
  const gone = drafts
    .filter(({ status, based_on }) => status !== 'open' || based_on !== inForce)
    .slice(0, tooMany)
    .map(({ id }) => id);
  await deleteDrafts(tx, gone);
  return gone.length === tooMany;
}

/** Closes an open draft; of two callers one does. */
export async function closeDraft(
  tx: Transaction,
  id: string,
  status: 'activated' | 'discarded',
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('policy_drafts')
    .set({ status })
    .where('id', '=', id)
    .where('status', '=', 'open')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Keeps the number of administrators of a draft, where it is more than it was at any time since the draft was made. */
export async function raiseAdministrators(
  tx: Transaction,
  id: string,
  administrators: number,
): Promise<void> {
  await tx
    .updateTable('policy_drafts')
    .set({ administrators })
    .where('id', '=', id)
    .where('administrators', '<', administrators)
    .execute();
}

/** An administrator approves once; answers whether they had not before. */
export async function insertApproval(tx: Transaction, approval: StoredApproval): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await tx
    .insertInto('policy_approvals')
    .values(approval)
    .onConflict((conflict) => conflict.columns(['draft', 'administrator']).doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows > 0n;
}

/** Of these drafts, the oldest first. */
export async function approvalsOf(reader: Reader, drafts: readonly string[]): Promise<StoredApproval[]> {
  if (drafts.length === 0) return [];
  return reader
    .selectFrom('policy_approvals')
    .selectAll()
    .where('draft', 'in', drafts)
    .orderBy('approved')
    .execute();
}

/** Forgets drafts that were made before; answers how many. What came into force stands in the versions. */
export async function purgeDrafts(tx: Transaction, before: number): Promise<number> {
  const old = await tx.selectFrom('policy_drafts').select('id').where('created', '<', before).execute();
  const ids = old.map(({ id }) => id);
  await deleteDrafts(tx, ids);
  return ids.length;
}

async function deleteDrafts(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.deleteFrom('policy_drafts').where('id', 'in', ids).execute();
  await tx.deleteFrom('policy_approvals').where('draft', 'in', ids).execute();
}

/** The administrator who made it, as they were then. */
export function authorOf(draft: Pick<StoredDraft, 'author_root' | 'author_root_name'>): AdministratorRoot {
  return { id: draft.author_root, name: draft.author_root_name };
}

export function asApproval({ administrator, root, root_name }: StoredApproval): Approval {
  return { token: administrator, root: { id: root, name: root_name } };
}
