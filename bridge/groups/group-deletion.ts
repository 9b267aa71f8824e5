import type { Transaction } from '../storage/database.ts';
import { deleteEvidenceOf } from './evidence-store.ts';
import { deleteMembersOf } from './member-store.ts';
import { deleteSealedKeysTo } from './sealed-key-store.ts';

/** Forgets a group with everything that hangs on it. The events stay. */
export async function deleteGroup(transaction: Transaction, group: string): Promise<void> {
  await deleteSealedKeysTo(transaction, { recipient_kind: 'group', recipient: group });
  await deleteMembersOf(transaction, group);
  await transaction.deleteFrom('group_exclusions').where('group_id', '=', group).execute();
  await transaction.deleteFrom('group_admins').where('group_id', '=', group).execute();
  await transaction.deleteFrom('group_token_admins').where('group_id', '=', group).execute();
  await deleteEvidenceOf(transaction, group);
  await transaction.deleteFrom('group_tokens').where('group_id', '=', group).execute();
  await transaction.deleteFrom('groups').where('group_id', '=', group).execute();
}
