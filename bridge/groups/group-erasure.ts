import { CountersignError } from '../../protocol/errors.ts';
import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import { deleteEvidenceBy } from './evidence-store.ts';
import type { PersonName } from './member-store.ts';
import { deleteOffersBy } from './offer-store.ts';
import { deleteRequestsBy } from './request-store.ts';
import { deleteSealedKeysTo } from './sealed-key-store.ts';
import { withdrawFromGroups } from './withdrawal.ts';

/** How many groups the refusal of an erasure names. */
const NAMED = 10;

/**
 * Erases what the groups kept here say of a closed person: every statement that names them as member, or as admin, of
 * which number and hash stay for the next one to continue, and by whom others were signed.
 *
 * The newest key of a living group is shown to everybody who takes part. While it names the person, and there is
 * another admin who can sign it anew, that has to be done first: `person_in_groups`. Where there is none, nobody can,
 * and the group is shown to nobody any more.
 *
 * What was sealed to them goes. What stays is their id, as in the events: in a group that they made, and on what they
 * sealed for others, with the evidence without which nobody could open it.
 */
export async function eraseFromGroups(transaction: Transaction, person: PersonName): Promise<void> {
  const { iss, sub } = person;
  await withdrawFromGroups(transaction, person, 'closed');
  await assertReplaced(transaction, sub);
  await deleteSealedKeysTo(transaction, { recipient_kind: 'person', recipient: sub });
  await deleteOffersBy(transaction, sub);
  await deleteRequestsBy(transaction, sub);
  await transaction.deleteFrom('group_exclusions').where('iss', '=', iss).where('sub', '=', sub).execute();
  await eraseKeysNaming(transaction, sub);
  await forgetSigner(transaction, sub);
}

async function assertReplaced(reader: Reader, sub: string): Promise<void> {
  const rows = await reader
    .selectFrom('group_token_admins as named')
    .innerJoin('groups', 'groups.group_id', 'named.group_id')
    .select('named.group_id')
    .distinct()
    .where('named.sub', '=', sub)
    .where('groups.status', '=', 'active')
    .whereRef('groups.seq', '=', 'named.seq')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('group_admins')
          .select('group_admins.sub')
          .whereRef('group_admins.group_id', '=', 'named.group_id')
          .where('group_admins.vault', 'is not', null),
      ),
    )
    .orderBy('named.group_id')
    .limit(NAMED)
    .execute();
  if (rows.length === 0) return;
  const ids = rows.map(({ group_id }) => group_id).join(', ');
  throw new CountersignError('person_in_groups', `Another admin must sign these groups anew first: ${ids}`);
}

async function eraseKeysNaming(transaction: Transaction, sub: string): Promise<void> {
  const named = await transaction
    .selectFrom('group_token_admins')
    .select(['group_id', 'seq'])
    .where('sub', '=', sub)
    .execute();
  for (const { group_id, seq } of named) {
    await transaction
      .updateTable('group_tokens')
      .set({ token: '', sub: '', device_id: '' })
      .where('group_id', '=', group_id)
      .where('seq', '=', seq)
      .execute();
  }
  await transaction.deleteFrom('group_token_admins').where('sub', '=', sub).execute();
}

/** What they signed about others stays, and verifies for nobody any more: there is no evidence of their device. */
async function forgetSigner(transaction: Transaction, sub: string): Promise<void> {
  await deleteEvidenceBy(transaction, sub);
  const nobody = { sub: '', device_id: '' };
  await transaction.updateTable('group_tokens').set(nobody).where('sub', '=', sub).execute();
  await transaction.updateTable('group_membership_tokens').set(nobody).where('sub', '=', sub).execute();
  await transaction
    .updateTable('group_exclusions')
    .set({ signer_sub: '', device_id: '' })
    .where('signer_sub', '=', sub)
    .execute();
}
