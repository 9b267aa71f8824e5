import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { GroupMembershipTokensTable, GroupMembersTable } from '../storage/tables/groups.ts';

/** A member of a group; the transform key stays sealed by the signer. */
export type GroupMember = Readonly<GroupMembersTable>;

export type StoredMembershipToken = Readonly<GroupMembershipTokensTable>;

/** A person of any bridge. */
export interface PersonName {
  readonly iss: string;
  readonly sub: string;
}

/** A member: a person, or a durable group, of any bridge. */
export type MemberName = Pick<GroupMember, 'kind' | 'iss' | 'member_id'>;

/** The person as a direct member of the group, or `undefined`. */
export async function findMember(
  reader: Reader,
  group: string,
  { iss, sub }: PersonName,
): Promise<GroupMember | undefined> {
  return findNamedMember(reader, group, { kind: 'person', iss, member_id: sub });
}

export async function findNamedMember(
  reader: Reader,
  group: string,
  { kind, iss, member_id }: MemberName,
): Promise<GroupMember | undefined> {
  return reader
    .selectFrom('group_members')
    .selectAll()
    .where('group_id', '=', group)
    .where('kind', '=', kind)
    .where('iss', '=', iss)
    .where('member_id', '=', member_id)
    .executeTakeFirst();
}

/** The durable groups that are members of this group. */
export async function durableMembersOf(reader: Reader, group: string): Promise<GroupMember[]> {
  return reader
    .selectFrom('group_members')
    .selectAll()
    .where('group_id', '=', group)
    .where('kind', '=', 'group')
    .orderBy('generation')
    .execute();
}

/** The groups kept here that have this durable group for a member, a page at a time. */
export async function groupsWithMember(
  reader: Reader,
  { iss, group }: { readonly iss: string; readonly group: string },
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await reader
    .selectFrom('group_members')
    .select('group_id')
    .where('member_id', '=', group)
    .where('iss', '=', iss)
    .where('kind', '=', 'group')
    .where('group_id', '>', after)
    .orderBy('group_id')
    .limit(limit)
    .execute();
  return rows.map((row) => row.group_id);
}

/** The groups kept here, and not ended, in which a person is a direct member. */
export async function groupsOfPerson(reader: Reader, { iss, sub }: PersonName): Promise<string[]> {
  const rows = await reader
    .selectFrom('group_members')
    .innerJoin('groups', 'groups.group_id', 'group_members.group_id')
    .select('group_members.group_id')
    .where('group_members.member_id', '=', sub)
    .where('group_members.iss', '=', iss)
    .where('group_members.kind', '=', 'person')
    .where('groups.status', '=', 'active')
    .orderBy('group_members.group_id')
    .execute();
  return rows.map((row) => row.group_id);
}

/** How many members a group has. */
export async function countMembers(reader: Reader, group: string): Promise<number> {
  const { members } = await reader
    .selectFrom('group_members')
    .select(({ fn }) => fn.countAll().as('members'))
    .where('group_id', '=', group)
    .executeTakeFirstOrThrow();
  return Number(members);
}

/** A member and the token that added them. */
export type MemberWithToken = Omit<GroupMember, 'transform_key'> & { readonly token: StoredMembershipToken };

const WITHOUT_KEY = [
  ...(['group_id', 'kind', 'iss', 'member_id'] as const),
  ...(['key_version', 'group_key_version', 'generation', 'added'] as const),
] as const;

/** One page of members, of one kind or of both, in the order in which they were added, from behind that number on. */
export async function listMembers(
  reader: Reader,
  group: string,
  { after, limit, kind }: { after: number; limit: number; kind?: GroupMember['kind'] | undefined },
): Promise<MemberWithToken[]> {
  let query = reader
    .selectFrom('group_members')
    .select(WITHOUT_KEY)
    .where('group_id', '=', group)
    .where('generation', '>', after)
    .orderBy('generation')
    .limit(limit);
  if (kind !== undefined) query = query.where('kind', '=', kind);
  return withTokens(reader, group, await query.execute());
}

/** Of these people, those who are members: each is looked up, whoever else is in. */
export async function membersNamed(
  reader: Reader,
  group: string,
  people: readonly PersonName[],
): Promise<MemberWithToken[]> {
  const members: Omit<GroupMember, 'transform_key'>[] = [];
  for (const iss of new Set(people.map((person) => person.iss))) {
    const theirs = people.filter((person) => person.iss === iss).map(({ sub }) => sub);
    const found = await reader
      .selectFrom('group_members')
      .select(WITHOUT_KEY)
      .where('group_id', '=', group)
      .where('kind', '=', 'person')
      .where('iss', '=', iss)
      .where('member_id', 'in', theirs)
      .execute();
    members.push(...found);
  }
  return withTokens(reader, group, members);
}

async function withTokens(
  reader: Reader,
  group: string,
  members: readonly Omit<GroupMember, 'transform_key'>[],
): Promise<MemberWithToken[]> {
  const tokens = await membershipTokens(
    reader,
    group,
    members.map(({ generation }) => generation),
  );
  return members.flatMap((member) => {
    const token = tokens.get(member.generation);
    return token === undefined ? [] : [{ ...member, token }];
  });
}

async function membershipTokens(
  reader: Reader,
  group: string,
  numbers: readonly number[],
): Promise<Map<number, StoredMembershipToken>> {
  if (numbers.length === 0) return new Map();
  const rows = await reader
    .selectFrom('group_membership_tokens')
    .selectAll()
    .where('group_id', '=', group)
    .where('seq', 'in', numbers)
    .execute();
  return new Map(rows.map((row) => [row.seq, row]));
}

/** Adds a member, or puts a newer transform key in the place of theirs, whose statement goes. */
export async function saveMember(transaction: Transaction, member: GroupMember): Promise<void> {
  const { key_version, group_key_version, transform_key, generation, added } = member;
  const before = await findNamedMember(transaction, member.group_id, member);
  if (before !== undefined) await deleteStatements(transaction, [before]);
  await transaction
    .insertInto('group_members')
    .values(member)
    .onConflict((conflict) =>
      conflict
        .columns(['group_id', 'kind', 'iss', 'member_id'])
        .doUpdateSet({ key_version, group_key_version, transform_key, generation, added }),
    )
    .execute();
}

/** Deletes a member, with the transform key to them and what put them in; answers whether they were there. */
export async function deleteMember(
  transaction: Transaction,
  group: string,
  { kind, iss, member_id }: MemberName,
): Promise<boolean> {
  const rows = await transaction
    .deleteFrom('group_members')
    .where('group_id', '=', group)
    .where('kind', '=', kind)
    .where('iss', '=', iss)
    .where('member_id', '=', member_id)
    .returning(['group_id', 'generation'])
    .execute();
  await deleteStatements(transaction, rows);
  return rows.length > 0;
}

/** Deletes every transform key of a group, with the statements: part of ending it. Answers how many. */
export async function deleteMembersOf(transaction: Transaction, group: string): Promise<number> {
  await transaction.deleteFrom('group_membership_tokens').where('group_id', '=', group).execute();
  const { numDeletedRows } = await transaction
    .deleteFrom('group_members')
    .where('group_id', '=', group)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** Deletes the transform keys from every group kept here to a person; answers the groups. */
export async function deletePersonFromGroups(
  transaction: Transaction,
  { iss, sub }: PersonName,
): Promise<string[]> {
  const rows = await transaction
    .deleteFrom('group_members')
    .where('kind', '=', 'person')
    .where('iss', '=', iss)
    .where('member_id', '=', sub)
    .returning(['group_id', 'generation'])
    .execute();
  await deleteStatements(transaction, rows);
  return rows.map((row) => row.group_id);
}

/** Nobody is shown the statement of a membership that is over: they would only pile up. The chain’s end stands with the group. */
async function deleteStatements(
  transaction: Transaction,
  memberships: readonly Pick<GroupMember, 'group_id' | 'generation'>[],
): Promise<void> {
  for (const { group_id, generation } of memberships) {
    await transaction
      .deleteFrom('group_membership_tokens')
      .where('group_id', '=', group_id)
      .where('seq', '=', generation)
      .execute();
  }
}

/** Stores what puts a member in. */
export async function insertMembershipToken(
  transaction: Transaction,
  token: StoredMembershipToken,
): Promise<void> {
  await transaction.insertInto('group_membership_tokens').values(token).execute();
}
