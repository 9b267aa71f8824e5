import type { Transaction } from '../storage/database.ts';
import { deletePersonFromGroups, type PersonName } from './member-store.ts';
import { deleteOpenOffers } from './offer-store.ts';
import { deleteSealedKeysTo } from './sealed-key-store.ts';

/** What a restriction took away from somebody of ours in the groups kept here. */
export interface GroupWithdrawal {
  /** Groups that had a transform key to them. */
  readonly memberships: readonly string[];
  /** Groups that they could act for. */
  readonly administered: readonly string[];
}

/**
 * Takes a person out of every group: part of closing and resetting, in the same transaction. Whatever leads to their
 * key, and the vaults that are sealed to it, are deleted. Somebody who was reset stays an admin, who can remove and
 * exclude, but can add nobody until another admin signs the group's key anew.
 */
export async function withdrawFromGroups(
  transaction: Transaction,
  person: PersonName,
  reason: 'closed' | 'reset',
): Promise<GroupWithdrawal> {
  const memberships = await deletePersonFromGroups(transaction, person);
  const administered = await (reason === 'closed' ? deleteAdmin : deleteVaults)(transaction, person.sub);
  await deleteOpenOffers(transaction, person.sub);
  if (reason === 'closed') {
    await deleteSealedKeysTo(transaction, { recipient_kind: 'person', recipient: person.sub });
  }
  return { memberships: memberships.sort(), administered: administered.sort() };
}

async function deleteAdmin(transaction: Transaction, sub: string): Promise<string[]> {
  const rows = await transaction
    .deleteFrom('group_admins')
    .where('sub', '=', sub)
    .returning('group_id')
    .execute();
  return rows.map((row) => row.group_id);
}

async function deleteVaults(transaction: Transaction, sub: string): Promise<string[]> {
  const rows = await transaction
    .updateTable('group_admins')
    .set({ vault: null })
    .where('sub', '=', sub)
    .where('vault', 'is not', null)
    .returning('group_id')
    .execute();
  return rows.map((row) => row.group_id);
}

/** A group in the making dies with the device that began it: its share rests with the offer. */
export async function withdrawDeviceFromGroups(
  transaction: Transaction,
  device: { readonly sub: string; readonly deviceId: string },
): Promise<void> {
  await deleteOpenOffers(transaction, device.sub, device.deviceId);
}
