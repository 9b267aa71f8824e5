import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import { adminsOf, findGroup } from './group-store.ts';
import { deletePersonFromGroups, type PersonName } from './member-store.ts';
import { deleteOpenOffers } from './offer-store.ts';

/** What a restriction took away from somebody of ours in the groups kept here. */
export interface GroupWithdrawal {
  /** Groups that had a transform key to them. */
  readonly memberships: readonly string[];
  /** Groups that they could act for. */
  readonly administered: readonly LostAdmin[];
}

/** What a group has left that lost an admin. */
export interface LostAdmin {
  readonly group: string;
  /** Admins who can still open its private halves. */
  readonly admins: number;
  /** A living group that is to last, with nobody left who could manage it. */
  readonly isOrphaned: boolean;
}

/**
 * Takes a person out of every group: part of closing and resetting, in the same transaction. Whatever leads to their
 * key, and the vaults that are sealed to it, are deleted. Somebody who was reset stays an admin, who can remove and
 * exclude, but can add nobody until another admin signs the group's key anew. What is sealed to the person themselves is the
 * caller's to delete: their escrow may be kept.
 */
export async function withdrawFromGroups(
  transaction: Transaction,
  person: PersonName,
  reason: 'closed' | 'reset',
): Promise<GroupWithdrawal> {
  const memberships = await deletePersonFromGroups(transaction, person);
  const administered = await (reason === 'closed' ? deleteAdmin : deleteVaults)(transaction, person.sub);
  await deleteOpenOffers(transaction, person.sub);
  const lost: LostAdmin[] = [];
  for (const group of administered.sort()) lost.push(await whatIsLeft(transaction, group));
  return { memberships: memberships.sort(), administered: lost };
}

async function whatIsLeft(reader: Reader, group: string): Promise<LostAdmin> {
  const found = await findGroup(reader, group);
  const admins = (await adminsOf(reader, group)).filter(({ vault }) => vault !== null).length;
  const isToLast = found?.kind === 'durable' && found.status === 'active';
  return { group, admins, isOrphaned: isToLast && admins === 0 };
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
