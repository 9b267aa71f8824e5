import { exclusionSchema } from '../../protocol/groups/exclusion.ts';
import { isGroupMember } from '../../protocol/groups/membership.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { listedMemberships } from '../groups/list-members.ts';
import type { JudgedGroup } from '../groups/view.ts';
import type { ClientParts } from '../own-account.ts';

interface Person {
  readonly iss: string;
  readonly sub: string;
}

/** Whom the admins' own statements let into a meeting. */
export interface Invited {
  includes(person: Person): boolean;
  isDirect(person: Person): boolean;
  /** Whether people may be in whom only the bridges know. */
  readonly hasDurableGroups: boolean;
}

/**
 * Reads the members of a group that is kept at the own bridge, each by an admin's word. Who is in a durable group its own
 * bridge says: people of that company, or anybody whom a group of the home bridge holds.
 */
export async function readInvited(parts: ClientParts, group: JudgedGroup): Promise<Invited> {
  const people = new Set<string>();
  const companies = new Set<string>();
  for await (const { claims, by } of listedMemberships(parts, group)) {
    if (by === null) continue;
    const { member } = claims;
    if (isGroupMember(member)) companies.add(member.iss);
    else people.add(nameOf(member));
  }
  // To shut somebody out takes no proof, so the list is taken as it stands.
  const excluded = new Set(
    group.shown.exclusions.map((token) =>
      nameOf(decodeClaims(token, 'group-exclusion+jwt', exclusionSchema).member),
    ),
  );
  const isDirect = (person: Person) => people.has(nameOf(person));
  return {
    isDirect,
    hasDurableGroups: companies.size > 0,
    includes(person) {
      if (excluded.has(nameOf(person))) return false;
      return isDirect(person) || companies.has(person.iss) || companies.has(group.claims.iss);
    },
  };
}

function nameOf({ iss, sub }: Person): string {
  return `${iss} ${sub}`;
}
