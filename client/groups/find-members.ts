import { MEMBERSHIP_BATCH, membershipsSchema } from '../../protocol/groups/api.ts';
import { isGroupMember } from '../../protocol/groups/membership.ts';
import type { ClientParts } from '../own-account.ts';
import { findersOf, judgeMembership, type ListedMembership } from './list-members.ts';
import type { JudgedGroup } from './view.ts';

/** A person of any company. */
export interface Person {
  readonly iss: string;
  readonly sub: string;
}

export function nameOf({ iss, sub }: Person): string {
  return `${iss} ${sub}`;
}

/**
 * Those of these people who are in the group themselves, by name, with what put them in: 200 a request, whoever else is
 * in. Of a group at another bridge only what a device signed that is somebody's now counts: what was kept of others may be
 * dated back by whoever passes it on.
 */
export async function findMembers(
  parts: ClientParts,
  group: JudgedGroup,
  people: readonly Person[],
): Promise<Map<string, ListedMembership>> {
  const found = new Map<string, ListedMembership>();
  const asked = [...new Map(people.map(({ iss, sub }) => [nameOf({ iss, sub }), { iss, sub }])).values()];
  for (let start = 0; start < asked.length; start += MEMBERSHIP_BATCH) {
    await findBatch(parts, group, asked.slice(start, start + MEMBERSHIP_BATCH), found);
  }
  return found;
}

/** What was not asked for, and what is newer than the group as it was seen, counts for nothing. */
async function findBatch(
  parts: ClientParts,
  { claims: { iss, group, ...rest }, shown }: JudgedGroup,
  people: readonly Person[],
  found: Map<string, ListedMembership>,
): Promise<void> {
  const answer = await parts.api.post('/v1/groups/memberships', { iss, group, people }, membershipsSchema);
  const isOwn = iss === parts.context.issuer;
  const find = findersOf(parts, isOwn ? answer : { ...answer, kept: [] });
  const asked = new Set(people.map(nameOf));
  for (const token of answer.tokens) {
    const listed = await judgeMembership(token, { iss, group, ...rest }, find);
    const { member, seq } = listed.claims;
    if (isGroupMember(member) || !asked.has(nameOf(member)) || seq >= shown.members_seq) continue;
    const before = found.get(nameOf(member));
    if (before === undefined || before.claims.seq < seq) found.set(nameOf(member), listed);
  }
}
