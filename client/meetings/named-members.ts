import { type GroupMember, isGroupMember } from '../../protocol/groups/membership.ts';
import { listedMemberships } from '../groups/list-members.ts';
import type { JudgedGroup } from '../groups/view.ts';
import type { ClientParts } from '../own-account.ts';

export interface Person {
  readonly iss: string;
  readonly sub: string;
}

/** The members of one group that is kept at the own bridge. */
export interface NamedMembers {
  /** By name: an admin's statement verifies. */
  readonly signed: ReadonlySet<string>;
  /** By name: nobody shows any more whose device signed the statement, so it is the bridge's word alone. */
  readonly unsigned: ReadonlySet<string>;
  /** Durable groups, each by an admin's statement. */
  readonly groups: readonly GroupMember[];
  /** Durable groups by the bridge's word alone. */
  readonly unsignedGroups: readonly GroupMember[];
}

interface Read {
  /** Keys and statements of the group as of which it was read. */
  readonly state: string;
  readonly members: NamedMembers;
}

/** Reads all members of a group, 200 a request, and once until its key or its members are other ones. */
export function createMemberReader(parts: ClientParts): (group: JudgedGroup) => Promise<NamedMembers> {
  const known = new Map<string, Read>();
  return async (judged) => {
    const { group } = judged.claims;
    const state = `${judged.hash} ${judged.shown.members_seq} ${judged.shown.members_head}`;
    const before = known.get(group);
    if (before?.state === state) return before.members;
    const members = await readMembers(parts, judged);
    known.set(group, { state, members });
    return members;
  };
}

async function readMembers(parts: ClientParts, group: JudgedGroup): Promise<NamedMembers> {
  const signed = new Set<string>();
  const unsigned = new Set<string>();
  const groups: GroupMember[] = [];
  const unsignedGroups: GroupMember[] = [];
  for await (const { claims, by } of listedMemberships(parts, group)) {
    const { member } = claims;
    if (isGroupMember(member)) (by === null ? unsignedGroups : groups).push(member);
    else (by === null ? unsigned : signed).add(nameOf(member));
  }
  return { signed, unsigned, groups, unsignedGroups };
}

export function nameOf({ iss, sub }: Person): string {
  return `${iss} ${sub}`;
}
