import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { groupListSchema, type Memberships, membersPageSchema } from '../../protocol/groups/api.ts';
import type { GroupAuthority } from '../../protocol/groups/group-key.ts';
import { type Membership, membershipSchema, verifyMembership } from '../../protocol/groups/membership.ts';
import {
  claimedSigner,
  type FindSigner,
  type VerifiedSigner,
} from '../../protocol/groups/signer-evidence.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { ClientParts } from '../own-account.ts';
import type { GroupMemberEntry, GroupRef, ListedGroup } from './groups.ts';
import { type FindPastSigner, pastSignersOf } from './kept-signers.ts';
import { signersOf } from './signers.ts';
import { type JudgedGroup, judgeGroup } from './view.ts';

/** The groups of the own bridge in which the person takes part, by its words alone. */
export async function listGroups({ context, api }: ClientParts): Promise<ListedGroup[]> {
  const { groups } = await api.get('/v1/groups', groupListSchema);
  if (groups.some(({ iss }) => iss !== context.issuer)) {
    throw new CountersignError('bridge_invalid', 'the bridge lists a group that is not its own');
  }
  return groups.map(
    ({
      rotation_due: rotation,
      rotation_due_since: since,
      rotation_due_version: version,
      renewal_due: renewal,
      ...group
    }) => ({
      ...group,
      rotationDue: rotation ?? null,
      rotationDueSince: since ?? null,
      rotationDueVersion: version ?? null,
      renewalDue: renewal ?? null,
    }),
  );
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

/** Somebody's membership, and the admin by whose signed word it is; null where the bridge alone says so. */
export interface ListedMembership {
  readonly claims: Membership;
  readonly by: string | null;
}

/**
 * The statements of a group's pages, of one kind or of both: in the order of `seq`, each once, none beyond the head that the
 * bridge shows. A bridge can leave a member out; whom it makes up has no admin's word.
 */
export async function* listedMemberships(
  parts: ClientParts,
  { claims: group, shown }: JudgedGroup,
  kind?: 'person' | 'group',
): AsyncGenerator<ListedMembership, void> {
  const only = kind === undefined ? [] : [`kind=${kind}`];
  let after: number | null = null;
  let last = -1;
  do {
    const query: string = [...only, ...(after === null ? [] : [`after=${after}`])].join('&');
    const path: string = `/v1/groups/${group.group}/members${query === '' ? '' : `?${query}`}`;
    const page = await parts.api.get(path, membersPageSchema);
    const find = findersOf(parts, page);
    for (const token of page.tokens) {
      const listed = await judgeMembership(token, group, find);
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

interface Finders {
  readonly now: FindSigner;
  /** By what was kept of devices that are gone. */
  readonly past: FindPastSigner;
}

/** Whose devices signed what a bridge lists, by the evidence that goes with it. */
export function findersOf(parts: ClientParts, { signers, kept = [] }: Memberships): Finders {
  return { now: signersOf(parts, signers), past: pastSignersOf(parts, kept) };
}

/** Throws for what no honest bridge lists: another group's statement, a removal, a signature that does not verify. */
export async function judgeMembership(
  token: string,
  group: GroupAuthority,
  find: Finders,
): Promise<ListedMembership> {
  const claims = decodeClaims(token, 'group-membership+jwt', membershipSchema);
  if (claims.iss !== group.iss || claims.group !== group.group) {
    throw new CountersignError('group_key_mismatch', 'the membership is of another group');
  }
  if (claims.act !== 'add') throw new CountersignError('group_not_member', 'a removal makes nobody a member');
  try {
    const signer = await findMemberSigner(claimedSigner(token), claims, find);
    return { claims: await verifyMembership(token, signer, group), by: signer.address };
  } catch (error) {
    if (!isCountersignError(error) || !UNSIGNED.has(error.code)) throw error;
    return { claims, by: null };
  }
}

/** Nobody shows any more whose device it was, or they are no admin, or have begun anew with other keys. */
const UNSIGNED: ReadonlySet<string> = new Set([
  'jws_unknown_key',
  'group_not_admin',
  'pin_changed',
  'key_compromised',
]);

/**
 * The device, by evidence of now or else as of when it signed. Members are listed by the group's own bridge alone, which
 * takes a statement from the device itself: nobody on the way can bring one that was dated back.
 */
async function findMemberSigner(
  deviceId: string,
  { iat }: Membership,
  { now, past }: Finders,
): Promise<VerifiedSigner> {
  try {
    return await now(deviceId);
  } catch (error) {
    if (!isCountersignError(error, 'jws_unknown_key')) throw error;
    return past(deviceId, iat);
  }
}
