import { GROUP_KEY_TOKENS } from '../../protocol/groups/group-key-chain.ts';
import {
  type EncryptionKey,
  encryptionKeySchema,
  type SignatureKey,
  signatureKeySchema,
} from '../../protocol/public-key.ts';
import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { GroupAdminsTable, GroupsTable, GroupTokensTable } from '../storage/tables/groups.ts';

/** A group kept here; its share stays sealed by the signer. */
export interface Group extends Readonly<Omit<GroupsTable, 'group_key' | 'signer'>> {
  /** G′. */
  readonly group_key: EncryptionKey;
  /** What its transform keys are signed with. */
  readonly signer: SignatureKey;
}

export type GroupAdmin = Readonly<GroupAdminsTable>;

export type StoredGroupToken = Readonly<GroupTokensTable>;

/** The group of this id, ended ones included, or `undefined`. */
export async function findGroup(reader: Reader, group: string): Promise<Group | undefined> {
  const row = await reader.selectFrom('groups').selectAll().where('group_id', '=', group).executeTakeFirst();
  return row === undefined ? undefined : parseGroup(row);
}

/**
 * The groups that somebody administers, the ones given, and those that have one of these as a member; the newest first.
 * `iss` is where those groups live: here.
 */
export async function groupsWith(
  reader: Reader,
  of: { admin: string; groups: readonly string[]; iss: string },
  limit: number,
): Promise<Group[]> {
  const rows = await reader
    .selectFrom('groups')
    .selectAll()
    .where(({ or, eb, selectFrom }) => {
      const administered = eb(
        'group_id',
        'in',
        selectFrom('group_admins').select('group_admins.group_id').where('group_admins.sub', '=', of.admin),
      );
      if (of.groups.length === 0) return administered;
      const containing = selectFrom('group_members')
        .select('group_members.group_id')
        .where('group_members.kind', '=', 'group')
        .where('group_members.iss', '=', of.iss)
        .where('group_members.member_id', 'in', of.groups);
      return or([administered, eb('group_id', 'in', of.groups), eb('group_id', 'in', containing)]);
    })
    .orderBy('created', 'desc')
    .orderBy('group_id')
    .limit(limit)
    .execute();
  return rows.map(parseGroup);
}

/** How many groups a person made that have not ended. */
export async function countGroupsBy(reader: Reader, creator: string): Promise<number> {
  const { groups } = await reader
    .selectFrom('groups')
    .select(({ fn }) => fn.countAll().as('groups'))
    .where('creator', '=', creator)
    .where('status', '=', 'active')
    .executeTakeFirstOrThrow();
  return Number(groups);
}

/** Stores a new group with its first token. A unique violation means that there is one of this key already. */
export async function insertGroup(transaction: Transaction, group: Group): Promise<void> {
  await transaction
    .insertInto('groups')
    .values({ ...group, group_key: JSON.stringify(group.group_key), signer: JSON.stringify(group.signer) })
    .execute();
}

/** What a newer `group-key+jwt` may change; the share by a rotation alone. */
export type GroupAdvance = Pick<Group, 'label' | 'ends' | 'signer' | 'key_version' | 'seq' | 'head'> &
  Partial<Pick<Group, 'share'>>;

/** Puts the group where its next token takes it; `false` if another one was first, or the group has ended. */
export async function advanceGroup(
  transaction: Transaction,
  group: string,
  head: string,
  change: GroupAdvance,
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('groups')
    .set({ ...change, signer: JSON.stringify(change.signer) })
    .where('group_id', '=', group)
    .where('head', '=', head)
    .where('status', '=', 'active')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Puts the chain of memberships where it is now; `false` if somebody else was first, or the group has ended. */
export async function advanceMembers(
  transaction: Transaction,
  group: string,
  from: { seq: number; head: string | null },
  to: { seq: number; head: string },
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('groups')
    .set({ members_seq: to.seq, members_head: to.head })
    .where('group_id', '=', group)
    .where('members_seq', '=', from.seq)
    .where('members_head', from.head === null ? 'is' : '=', from.head)
    .where('status', '=', 'active')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Ends a group: its share is deleted, and what was read before this cannot be released any more. */
export async function markEnded(transaction: Transaction, group: string, now: number): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('groups')
    .set((expression) => ({
      status: 'ended',
      share: null,
      ended: now,
      generation: expression('generation', '+', 1),
    }))
    .where('group_id', '=', group)
    .where('status', '=', 'active')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** One page of the durable groups that there are, in the order of their ids, from behind `after` on. */
export async function durableGroupsAfter(reader: Reader, after: string, limit: number): Promise<Group[]> {
  const rows = await reader
    .selectFrom('groups')
    .selectAll()
    .where('kind', '=', 'durable')
    .where('status', '=', 'active')
    .where('group_id', '>', after)
    .orderBy('group_id')
    .limit(limit)
    .execute();
  return rows.map(parseGroup);
}

/** Meetings whose time is over and that nobody has ended. */
export async function overdueGroups(reader: Reader, now: number, limit: number): Promise<string[]> {
  const rows = await reader
    .selectFrom('groups')
    .select('group_id')
    .where('status', '=', 'active')
    .where('ends', '<=', now)
    .orderBy('ends')
    .limit(limit)
    .execute();
  return rows.map((row) => row.group_id);
}

/** Stores a token of a group, and whom it names as admins; forgets the one behind the last that is still shown. */
export async function insertGroupToken(
  transaction: Transaction,
  token: StoredGroupToken,
  admins: readonly { readonly sub: string }[],
): Promise<void> {
  const { group_id, seq } = token;
  await transaction.insertInto('group_tokens').values(token).execute();
  await transaction
    .insertInto('group_token_admins')
    .values(admins.map(({ sub }) => ({ group_id, seq, sub })))
    .execute();
  for (const table of ['group_tokens', 'group_token_admins'] as const) {
    await transaction
      .deleteFrom(table)
      .where('group_id', '=', group_id)
      .where('seq', '<=', seq - GROUP_KEY_TOKENS)
      .execute();
  }
}

/** The tokens of a group from a number on, the newest last; the texts of erased ones are empty. */
export async function groupTokens(
  reader: Reader,
  group: string,
  { since, limit }: { since: number; limit: number },
): Promise<StoredGroupToken[]> {
  const rows = await reader
    .selectFrom('group_tokens')
    .selectAll()
    .where('group_id', '=', group)
    .where('seq', '>=', since)
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows.reverse();
}

/** The admins of a group in the order of its newest token. */
export async function adminsOf(reader: Reader, group: string): Promise<GroupAdmin[]> {
  return reader
    .selectFrom('group_admins')
    .selectAll()
    .where('group_id', '=', group)
    .orderBy('position')
    .execute();
}

export async function findAdmin(reader: Reader, group: string, sub: string): Promise<GroupAdmin | undefined> {
  return reader
    .selectFrom('group_admins')
    .selectAll()
    .where('group_id', '=', group)
    .where('sub', '=', sub)
    .executeTakeFirst();
}

/** The admins of a group are these from now on. */
export async function setAdmins(
  transaction: Transaction,
  group: string,
  admins: readonly Omit<GroupAdmin, 'group_id'>[],
): Promise<void> {
  await transaction.deleteFrom('group_admins').where('group_id', '=', group).execute();
  await transaction
    .insertInto('group_admins')
    .values(admins.map((admin) => ({ ...admin, group_id: group })))
    .execute();
}

/** Deletes what is sealed to the admins of a group: part of ending it. */
export async function deleteVaultsOf(transaction: Transaction, group: string): Promise<void> {
  await transaction.updateTable('group_admins').set({ vault: null }).where('group_id', '=', group).execute();
}

/** Meetings that ended before `before`. */
export async function groupsEndedBefore(reader: Reader, before: number, limit: number): Promise<string[]> {
  const rows = await reader
    .selectFrom('groups')
    .select('group_id')
    .where('status', '=', 'ended')
    .where('ended', '<', before)
    .limit(limit)
    .execute();
  return rows.map((row) => row.group_id);
}

/** Stored keys are our own writing, but are parsed all the same: a damaged row must not become a key. */
function parseGroup(row: GroupsTable): Group {
  return {
    ...row,
    group_key: encryptionKeySchema.parse(JSON.parse(row.group_key)),
    signer: signatureKeySchema.parse(JSON.parse(row.signer)),
  };
}
