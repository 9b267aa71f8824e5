import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { groupListSchema, membersPageSchema } from '../../protocol/groups/api.ts';
import type { GroupAuthority } from '../../protocol/groups/group-key.ts';
import { type Membership, membershipSchema, verifyMembership } from '../../protocol/groups/membership.ts';
import { claimedSigner, type FindSigner } from '../../protocol/groups/signer-evidence.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { ClientParts } from '../own-account.ts';
import type { GroupMemberEntry, GroupRef, ListedGroup } from './groups.ts';
import { signersOf } from './signers.ts';
import { type JudgedGroup, judgeGroup } from './view.ts';

/** The groups of the own bridge in which the person takes part, by its words alone. */
export async function listGroups({ context, api }: ClientParts): Promise<ListedGroup[]> {
  const { groups } = await api.get('/v1/groups', groupListSchema);
  if (groups.some(({ iss }) => iss !== context.issuer)) {
    throw new CountersignError('bridge_invalid', 'the bridge lists a group that is not its own');
  }
  return groups.map(({ rotation_due: due, ...group }) => ({ ...group, rotationDue: due ?? null }));
}

/** Every member, in the order in which they came. Pages are fetched as they are asked for. */
export async function* listMembers(
  parts: ClientParts,
  ref: GroupRef,
): AsyncGenerator<GroupMemberEntry, void> {
  const group = await judgeGroup(parts, ref);
  for await (const { claims, by } of listedMemberships(parts, group)) {
    const { key_version: keyVersion, ...member } = claims.member;
    yield { ...member, keyVersion, by };
  }
}

interface ListedMembership {
  readonly claims: Membership;
  readonly by: string | null;
}

/**
 * The statements of a group's pages: in the order of `seq`, each once, none beyond the head that the bridge shows. A
 * bridge can leave a member out; whom it makes up has no admin's word.
 */
export async function* listedMemberships(
  parts: ClientParts,
  { claims: group, shown }: JudgedGroup,
): AsyncGenerator<ListedMembership, void> {
  let after: number | null = null;
  let last = -1;
  do {
    const path: string = `/v1/groups/${group.group}/members${after === null ? '' : `?after=${after}`}`;
    const page = await parts.api.get(path, membersPageSchema);
    const findSigner = signersOf(parts, page.signers);
    for (const token of page.tokens) {
      const listed = await judgeMembership(token, group, findSigner);
      const { seq } = listed.claims;
      if (seq <= last || seq >= shown.members_seq) {
        throw new CountersignError('replayed', 'a membership is listed out of its place');
      }
      last = seq;
      yield listed;
    }
    after = page.next;
  } while (after !== null);
}

/** Throws for what no honest bridge lists: another group's statement, a removal, a signature that does not verify. */
async function judgeMembership(
  token: string,
  group: GroupAuthority,
  findSigner: FindSigner,
): Promise<ListedMembership> {
  const claims = decodeClaims(token, 'group-membership+jwt', membershipSchema);
  if (claims.iss !== group.iss || claims.group !== group.group) {
    throw new CountersignError('group_key_mismatch', 'the membership is of another group');
  }
  if (claims.act !== 'add') throw new CountersignError('group_not_member', 'a removal makes nobody a member');
  try {
    const signer = await findSigner(claimedSigner(token));
    return { claims: await verifyMembership(token, signer, group), by: signer.address };
  } catch (error) {
    const isGone =
      isCountersignError(error, 'jws_unknown_key') || isCountersignError(error, 'group_not_admin');
    if (!isGone) throw error;
    return { claims, by: null };
  }
}
