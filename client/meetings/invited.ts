import { isCountersignError } from '../../protocol/errors.ts';
import { exclusionSchema } from '../../protocol/groups/exclusion.ts';
import type { GroupMember } from '../../protocol/groups/membership.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { JudgedGroup } from '../groups/view.ts';
import { judgeGroup } from '../groups/view.ts';
import type { ClientParts } from '../own-account.ts';
import { type GroupLosses, lossesOf } from './group-losses.ts';
import type { Invitation } from './meeting-group.ts';
import { createMemberReader, type NamedMembers, nameOf, type Person } from './named-members.ts';

/** Whom a look at the group lets into a meeting. */
export interface Invited {
  invitationOf(person: Person): Promise<Invitation>;
  /** Whether they are listed by themselves, signed for or not: to take somebody out takes no proof. */
  isDirect(person: Person): boolean;
  /** Whether people may be in whom the meeting's own admins do not name; signed for or not. */
  readonly hasDurableGroups: boolean;
  /** Of the meeting and, looked at now, of the durable groups of the own bridge in it. */
  losses(): Promise<GroupLosses>;
}

/**
 * Reads who is in the group of a meeting and in the durable groups that are its members. A bridge lists its own groups
 * alone, so who is in a group of another company is that bridge's word, and nobody can hold it against anything.
 */
export function createInvitations(parts: ClientParts): (group: JudgedGroup) => Promise<Invited> {
  const readMembers = createMemberReader(parts);

  /** Null where this person cannot see the group, or not now: then nobody is in by it for sure. */
  async function namedByDurable({ iss, group }: GroupMember): Promise<NamedMembers | null> {
    if (iss !== parts.context.issuer) return null;
    try {
      return await readMembers(await judgeGroup(parts, { iss, group }));
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return null;
    }
  }

  async function removalsOf(ref: { iss: string; group: string }): Promise<number> {
    try {
      const { shown } = await judgeGroup(parts, ref);
      return lossesOf(shown).removals.get(ref.group) ?? Number.POSITIVE_INFINITY;
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return Number.POSITIVE_INFINITY;
    }
  }

  return async (group) => {
    const { signed, unsigned, groups, unsignedGroups } = await readMembers(group);
    const listedGroups = [...groups, ...unsignedGroups];
    const known = new Map<GroupMember, NamedMembers>();
    // To shut somebody out takes no proof, so the list is taken as it stands.
    const excluded = new Set(
      group.shown.exclusions.map((token) =>
        nameOf(decodeClaims(token, 'group-exclusion+jwt', exclusionSchema).member),
      ),
    );

    async function byDurable(name: string, member: GroupMember, iss: string): Promise<Invitation> {
      const named = known.get(member) ?? (await namedByDurable(member));
      if (named === null)
        return member.iss === parts.context.issuer || member.iss === iss ? 'by_bridge' : 'none';
      known.set(member, named);
      if (named.signed.has(name)) return 'by_admins';
      return named.unsigned.has(name) ? 'by_bridge' : 'none';
    }

    return {
      isDirect: (person) => signed.has(nameOf(person)) || unsigned.has(nameOf(person)),
      hasDurableGroups: listedGroups.length > 0,
      async losses() {
        const { removals, exclusions } = lossesOf(group.shown);
        const all = new Map(removals);
        for (const { iss, group: id } of listedGroups) {
          if (iss === parts.context.issuer) all.set(id, await removalsOf({ iss, group: id }));
        }
        return { removals: all, exclusions };
      },
      async invitationOf(person) {
        const name = nameOf(person);
        if (excluded.has(name)) return 'none';
        if (signed.has(name)) return 'by_admins';
        let best: Invitation = unsigned.has(name) ? 'by_bridge' : 'none';
        for (const member of groups) {
          const invitation = await byDurable(name, member, person.iss);
          if (invitation === 'by_admins') return invitation;
          if (invitation === 'by_bridge') best = invitation;
        }
        return best;
      },
    };
  };
}
