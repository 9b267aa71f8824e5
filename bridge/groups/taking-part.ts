import type { Reader } from '../directory/handle.ts';
import { isExcluded } from './exclusion-store.ts';
import { findAdmin, findGroup } from './group-store.ts';
import { durableMembersOf, findMember, type PersonName } from './member-store.ts';

/**
 * Whether somebody takes part in a group that is kept here: as a direct member, as a member of a durable group that is
 * kept here too, or through one of the `via` groups, in which the person's own bridge says that they are. Nobody does
 * who is excluded, and nobody in a group that has ended.
 */
export async function mayTakePart(
  reader: Reader,
  group: string,
  person: PersonName,
  via: readonly string[],
): Promise<boolean> {
  const found = await findGroup(reader, group);
  if (found?.status !== 'active') return false;
  if (await isExcluded(reader, group, person)) return false;
  if ((await findMember(reader, group, person)) !== undefined) return true;
  for (const { iss, member_id } of await durableMembersOf(reader, group)) {
    if (iss === person.iss && via.includes(member_id)) return true;
    if (await isInDurableGroup(reader, member_id, person)) return true;
  }
  return false;
}

/** Groups of other bridges are not found here. */
async function isInDurableGroup(reader: Reader, group: string, person: PersonName): Promise<boolean> {
  const durable = await findGroup(reader, group);
  if (durable?.status !== 'active' || durable.kind !== 'durable') return false;
  if ((await findMember(reader, group, person)) === undefined) return false;
  return !(await isExcluded(reader, group, person));
}

/** What a person of ours is in a group that is kept here. Admins stay what they are when it has ended. */
export async function roleIn(
  reader: Reader,
  group: string,
  person: PersonName,
): Promise<'admin' | 'member' | 'none'> {
  if ((await findAdmin(reader, group, person.sub)) !== undefined) return 'admin';
  return (await mayTakePart(reader, group, person, [])) ? 'member' : 'none';
}
