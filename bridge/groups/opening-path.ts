import { CountersignError } from '../../protocol/errors.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import type { Access } from '../binding/access.ts';
import type { Reader } from '../directory/handle.ts';
import { statementsBetween } from '../directory/statements.ts';
import type { Signer } from '../signer/signer.ts';
import { isExcluded } from './exclusion-store.ts';
import { findGroup, type Group } from './group-store.ts';
import {
  durableMembersOf,
  findMember,
  type GroupMember,
  groupsOfPerson,
  type PersonName,
} from './member-store.ts';
import { openMemberKey } from './sealed-group-keys.ts';

/** The way of a sealed key as far as the groups kept here lead. */
export interface OpeningPath {
  readonly group: Group;
  /** One or two members, each the holder of the key that the one before is transformed to. */
  readonly hops: readonly GroupMember[];
  /** Where it ends: the person, or a durable group at the person's own bridge. */
  readonly end: GroupMember;
}

export interface WantedPath {
  readonly group: string;
  readonly person: PersonName;
  /** Durable groups at the person's bridge in which that bridge says that they are. */
  readonly via: readonly string[];
  /** The first key version with the person's key of now. */
  readonly keySince: number;
}

/**
 * The way from a group kept here to a person: as a direct member; else by a durable group that is kept here too; else to
 * a durable group at the person's own bridge. A membership that leads to a key which the person lost is passed over.
 * Read from the records (PROTOCOL §8, §10); `now` in seconds.
 *
 * Throws `group_unknown` (also to whoever takes no part), `group_ended`, `group_excluded`, `membership_stale`.
 */
export async function findOpeningPath(
  reader: Reader,
  wanted: WantedPath,
  home: string,
  now: number,
): Promise<OpeningPath> {
  const group = await findGroup(reader, wanted.group);
  if (group === undefined) throw new CountersignError('group_unknown');
  if (group.status === 'ended' || (group.ends !== null && now >= group.ends)) {
    throw new CountersignError('group_ended');
  }
  const ways = await findWays(reader, wanted, home);
  if (ways.length === 0) throw new CountersignError('group_unknown');
  if (await isExcluded(reader, wanted.group, wanted.person)) throw new CountersignError('group_excluded');
  const hops = ways.find((way) => way.every((hop) => leadsTo(hop, wanted.keySince)));
  const end = hops?.at(-1);
  if (hops === undefined || end === undefined) throw new CountersignError('membership_stale');
  return { group, hops, end };
}

/** All there are, the shortest first. */
async function findWays(
  reader: Reader,
  { group, person, via }: WantedPath,
  home: string,
): Promise<GroupMember[][]> {
  const direct = await findMember(reader, group, person);
  const ways = direct === undefined ? [] : [[direct]];
  const durables = await durableMembersOf(reader, group);
  if (durables.length === 0) return ways;
  const theirs = new Set(await groupsOfPerson(reader, person));
  for (const durable of durables) {
    if (durable.iss !== home || !theirs.has(durable.member_id)) continue;
    const member = await findDurableMember(reader, durable.member_id, person);
    if (member !== undefined) ways.push([durable, member]);
  }
  const theirOwn = durables.find(({ iss, member_id }) => iss === person.iss && via.includes(member_id));
  return theirOwn === undefined ? ways : [...ways, [theirOwn]];
}

/** Whether it leads to a group, whose key stays, or to the key that the person has now. */
function leadsTo({ kind, key_version }: GroupMember, keySince: number): boolean {
  return kind === 'group' || key_version >= keySince;
}

/** The person as a member of a durable group kept here, unless they are excluded from it. */
export async function findDurableMember(
  reader: Reader,
  group: string,
  person: PersonName,
): Promise<GroupMember | undefined> {
  const durable = await findGroup(reader, group);
  if (durable?.status !== 'active' || durable.kind !== 'durable') return undefined;
  const member = await findMember(reader, group, person);
  return member !== undefined && !(await isExcluded(reader, group, person)) ? member : undefined;
}

/** Durable groups kept here that a person is in, unless they are excluded: in one query, since each request abroad asks. */
export async function durableGroupsOf(
  reader: Reader,
  { iss, sub }: PersonName,
  limit: number,
): Promise<GroupMember[]> {
  return reader
    .selectFrom('group_members')
    .innerJoin('groups', 'groups.group_id', 'group_members.group_id')
    .leftJoin('group_exclusions', (join) =>
      join
        .onRef('group_exclusions.group_id', '=', 'group_members.group_id')
        .onRef('group_exclusions.iss', '=', 'group_members.iss')
        .onRef('group_exclusions.sub', '=', 'group_members.member_id')
        .on('group_exclusions.act', '=', 'exclude'),
    )
    .selectAll('group_members')
    .where('group_members.member_id', '=', sub)
    .where('group_members.iss', '=', iss)
    .where('group_members.kind', '=', 'person')
    .where('groups.status', '=', 'active')
    .where('groups.kind', '=', 'durable')
    .where('group_exclusions.group_id', 'is', null)
    .orderBy('group_members.group_id')
    .limit(limit)
    .execute();
}

/**
 * Holds members that were read again against those that were read before: whoever was removed and added again has
 * another generation. Throws `conflict`.
 */
export function assertSameHops(before: readonly GroupMember[], after: readonly GroupMember[]): void {
  const mark = (hops: readonly GroupMember[]) =>
    JSON.stringify(
      hops.map(({ group_id, iss, member_id, generation }) => [group_id, iss, member_id, generation]),
    );
  if (mark(before) !== mark(after)) {
    throw new CountersignError('conflict', 'The membership was changed meanwhile.');
  }
}

/** The same of a whole path. */
export function assertSamePath(before: OpeningPath, after: OpeningPath): void {
  if (before.group.generation !== after.group.generation) {
    throw new CountersignError('conflict', 'The group was changed meanwhile.');
  }
  assertSameHops(before.hops, after.hops);
}

/** The encoded transform keys of these hops. */
export function openHops(signer: Signer, hops: readonly GroupMember[]): Promise<Uint8Array[]> {
  return Promise.all(hops.map((hop) => openMemberKey(signer, hop, hop.transform_key)));
}

/** The first key version with the person's public key of now. A rotation leaves it (U′ stays), a reset does not. */
export async function readKeySince(reader: Reader, { statement, keys }: Access): Promise<number> {
  const { address, version, sub } = statement;
  const pre = thumbprint(keys.keys[0]);
  const statements = await statementsBetween(reader, address, { from: 0, to: version });
  const same = statements.filter(
    ({ statement: each }) => each.sub === sub && thumbprint(each.keys[0]) === pre,
  );
  return Math.min(keys.key_version, ...same.map(({ statement: each }) => each.key_version));
}

/** Refuses a membership that leads to a key which the person has no more. Throws `membership_stale`. */
export function assertLeadsTo(keyVersion: number, keySince: number): void {
  if (keyVersion < keySince) throw new CountersignError('membership_stale');
}
