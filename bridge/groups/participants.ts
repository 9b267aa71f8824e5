import type { Reader } from '../directory/handle.ts';
import type { GroupsTable } from '../storage/tables/groups.ts';

/** A group that has not ended, with who takes part in it directly. */
export interface Participants extends Pick<GroupsTable, 'group_id' | 'kind' | 'label'> {
  /** People of ours. */
  readonly admins: readonly string[];
  /** People of any bridge; whoever is an admin too stands among the admins alone. */
  readonly members: readonly { readonly iss: string; readonly sub: string }[];
  /** Durable groups that are members: who is in them is not looked up. */
  readonly groups: number;
}

/** One page of the groups kept here, in the order of their ids, from the one after `after`; empty at the end. */
export async function listParticipants(
  reader: Reader,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<Participants[]> {
  const groups = await reader
    .selectFrom('groups')
    .select(['group_id', 'kind', 'label'])
    .where('status', '=', 'active')
    .where('group_id', '>', after)
    .orderBy('group_id')
    .limit(limit)
    .execute();
  const ids = groups.map(({ group_id }) => group_id);
  if (ids.length === 0) return [];
  const admins = await reader
    .selectFrom('group_admins')
    .select(['group_id', 'sub'])
    .where('group_id', 'in', ids)
    .execute();
  const members = await reader
    .selectFrom('group_members')
    .select(['group_id', 'kind', 'iss', 'member_id'])
    .where('group_id', 'in', ids)
    .execute();
  return groups.map((group) => {
    const leading = admins.filter(({ group_id }) => group_id === group.group_id).map(({ sub }) => sub);
    const inside = members.filter(({ group_id }) => group_id === group.group_id);
    return {
      ...group,
      admins: leading,
      members: inside
        .filter(({ kind, member_id }) => kind === 'person' && !leading.includes(member_id))
        .map(({ iss, member_id: sub }) => ({ iss, sub })),
      groups: inside.filter(({ kind }) => kind === 'group').length,
    };
  });
}
