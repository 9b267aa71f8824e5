import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { MembersBody, MembersResult } from '../../protocol/groups/api.ts';
import {
  assertMembershipFollows,
  isGroupMember,
  type Member,
  type Membership,
  verifyMembership,
} from '../../protocol/groups/membership.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import { readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { GROUP_MEMBERS } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { type AdminAccess, assertStillAdmin, requireAdmin } from './admin-access.ts';
import { insertEvidence, type StoredEvidence } from './evidence-store.ts';
import { advanceMembers } from './group-store.ts';
import { evidenceToKeep } from './kept-evidence.ts';
import { assertTarget, augmentedMemberKey } from './member-keys.ts';
import { requireMayAdd } from './member-permission.ts';
import {
  countMembers,
  deleteMember,
  type GroupMember,
  insertMembershipToken,
  type MemberName,
  saveMember,
} from './member-store.ts';
import { memberReceipt, type Receipt } from './receipts.ts';
import { findRequest, insertRequest } from './request-store.ts';
import { openGroupShare, sealMemberKey } from './sealed-group-keys.ts';
import type { GroupDeps, GroupMembers } from './services.ts';
import { createSignerEvidence } from './signer-evidence.ts';

/** One statement, checked; with `added`, what it puts into the group. */
interface CheckedStatement {
  readonly claims: Membership;
  readonly token: string;
  readonly hash: string;
  readonly name: MemberName;
  readonly added: { readonly member: GroupMember; readonly target: EncryptionKey } | null;
}

interface Changing {
  readonly who: Holder;
  readonly before: AdminAccess;
  readonly statements: readonly CheckedStatement[];
  /** Null where what is stored of the device serves. */
  readonly evidence: StoredEvidence | null;
  readonly request: { readonly request_id: string; readonly request_hash: string };
  readonly context: RequestContext;
}

/** An admin puts members in or takes them out, by statements of their device that continue the group's one chain. */
export function createMemberChanges(deps: GroupDeps): GroupMembers['change'] {
  const { database, clock } = deps;
  const find = createSignerEvidence(deps);

  async function findAnswer(who: Holder, id: string, hash: string): Promise<MembersResult | undefined> {
    const stored = await database.read(async (query) => {
      await readAccess(query, who);
      return findRequest(query, who.sub, id);
    });
    if (stored === undefined) return undefined;
    if (stored.request_hash !== hash) throw new CountersignError('request_id_reused');
    return JSON.parse(stored.answer);
  }

  return async (who, group, body, context) => {
    const requestHash = sha256Base64url(JSON.stringify(['members', group, body, who.deviceId]));
    const earlier = await findAnswer(who, body.request_id, requestHash);
    if (earlier !== undefined) return earlier;
    const before = await database.read((query) => requireAdmin(deps, query, who, group));
    const request = { request_id: body.request_id, request_hash: requestHash };
    try {
      // Before any of them is said to be stored.
      const evidence =
        body.transform_keys.length === 0
          ? null
          : await evidenceToKeep({ database, find }, who, group, seconds(clock));
      const statements = await check(deps, who, before, body);
      return await database.transaction((transaction) =>
        store(deps, transaction, { who, before, statements, evidence, request, context }),
      );
    } catch (error) {
      // The same request may have been under way twice: then the other one has its answer.
      const meanwhile = await findAnswer(who, body.request_id, requestHash);
      if (meanwhile !== undefined) return meanwhile;
      throw error;
    }
  };
}

/** Holds every statement, each of which an attacker may have made, against the chain, the group and its transform key. */
async function check(
  deps: GroupDeps,
  who: Holder,
  before: AdminAccess,
  body: MembersBody,
): Promise<CheckedStatement[]> {
  const { group, authority, signer } = before;
  const now = seconds(deps.clock);
  const keys = [...body.transform_keys];
  const share = await openShare(deps, before);
  let head = group.members_head === null ? null : { seq: group.members_seq, hash: group.members_head };
  const checked: CheckedStatement[] = [];
  for (const token of body.tokens) {
    const claims = await verifyMembership(token, signer, authority);
    assertMembershipFollows(claims, head);
    if (claims.group_key_version !== group.key_version) throw new CountersignError('membership_stale');
    if (claims.iat > now + CLOCK_SKEW) throw new CountersignError('jws_not_yet_valid');
    head = { seq: claims.seq, hash: sha256Base64url(token) };
    if (claims.act === 'add') await requireMayAdd(deps, who, group, claims.member);
    const added = claims.act === 'add' ? await checkAdded(deps, before, claims, keys.shift(), share) : null;
    checked.push({ claims, token, hash: head.hash, name: nameOf(claims.member), added });
  }
  if (keys.length > 0) throw new CountersignError('malformed_request', 'There are more keys than additions.');
  return checked;
}

function openShare({ signer }: GroupDeps, { group }: AdminAccess): Promise<Uint8Array> {
  if (group.share === null) throw new CountersignError('group_ended');
  return openGroupShare(signer, { group: group.group_id, keyVersion: group.key_version }, group.share);
}

async function checkAdded(
  { database, engine, signer, clock }: GroupDeps,
  { group }: AdminAccess,
  claims: Membership & { act: 'add' },
  key: string | undefined,
  share: Uint8Array,
): Promise<NonNullable<CheckedStatement['added']>> {
  if (key === undefined) throw new CountersignError('malformed_request', 'An addition has no transform key.');
  const offered = { encoded: decodeBase64url(key), hash: claims.transform_key, group, share };
  const { target, augmented } = augmentedMemberKey(engine, offered);
  await database.read((query) => assertTarget(query, signer.iss, group, claims.member, target));
  const name = {
    group_id: group.group_id,
    ...nameOf(claims.member),
    key_version: claims.member.key_version,
    group_key_version: claims.group_key_version,
  };
  const transformKey = await sealMemberKey(signer, name, augmented);
  return {
    target,
    member: { ...name, transform_key: transformKey, generation: claims.seq, added: seconds(clock) },
  };
}

function nameOf(member: Member): MemberName {
  return isGroupMember(member)
    ? { kind: 'group', iss: member.iss, member_id: member.group }
    : { kind: 'person', iss: member.iss, member_id: member.sub };
}

/** What was true when the statements were checked is looked at again. Removals act here, and are answered after. */
async function store(deps: GroupDeps, transaction: Transaction, changing: Changing): Promise<MembersResult> {
  const { clock } = deps;
  const { who, before, statements, evidence, request } = changing;
  const groupId = before.group.group_id;
  const after = await requireAdmin(deps, transaction, who, groupId);
  assertStillAdmin(before, after);
  const last = statements.at(-1);
  if (last === undefined) throw new CountersignError('malformed_request');
  const from = { seq: before.group.members_seq, head: before.group.members_head };
  const moved = await advanceMembers(transaction, groupId, from, { seq: last.claims.seq, head: last.hash });
  if (!moved) throw new CountersignError('conflict', 'The members of the group have changed meanwhile.');
  const receipts: string[] = [];
  for (const statement of statements) {
    if (statement.added === null) {
      const receipt = await remove(deps, transaction, changing, statement);
      if (receipt !== null) receipts.push(receipt.token);
    } else {
      await add(deps, transaction, changing, statement, statement.added);
    }
  }
  const members = await countMembers(transaction, groupId);
  const hasAdded = statements.some(({ added }) => added !== null);
  if (evidence !== null) await insertEvidence(transaction, evidence);
  if (hasAdded && members > GROUP_MEMBERS) throw new CountersignError('group_limit');
  const answer = { members_head: last.hash, members_seq: last.claims.seq + 1, members, receipts };
  await insertRequest(transaction, {
    ...{ ...request, sub: who.sub },
    ...{ answer: JSON.stringify(answer), created: seconds(clock) },
  });
  return answer;
}

async function add(
  { events, signer }: GroupDeps,
  transaction: Transaction,
  { who, before, context }: Changing,
  { claims, name, token, hash }: CheckedStatement,
  { member, target }: NonNullable<CheckedStatement['added']>,
): Promise<void> {
  await assertTarget(transaction, signer.iss, before.group, claims.member, target);
  await saveMember(transaction, member);
  await insertMembershipToken(transaction, {
    ...{ group_id: before.group.group_id, seq: claims.seq, hash, token },
    ...{ iss: name.iss, member_id: name.member_id, sub: who.sub, device_id: who.deviceId },
  });
  await events.append(transaction, {
    type: 'group.member_added',
    actor: context.actor,
    subject: { sub: who.sub, device: who.deviceId, group: before.group.group_id },
    outcome: 'success',
    requestId: context.requestId,
    data: { kind: name.kind, iss: name.iss, member: name.member_id, seq: claims.seq },
  });
}

/** Taking out whoever is not in takes nothing away, and is stated all the same: in the chain, and in an event. */
async function remove(
  deps: GroupDeps,
  transaction: Transaction,
  { who, before, context }: Changing,
  { claims, name }: CheckedStatement,
): Promise<Receipt | null> {
  const groupId = before.group.group_id;
  const wasIn = await deleteMember(transaction, groupId, name);
  const receipt = await memberReceipt(deps, {
    ...{ group: groupId, member: claims.member, generation: claims.seq },
    transformKeys: wasIn ? 1 : 0,
  });
  await deps.events.append(transaction, {
    type: 'group.member_removed',
    actor: context.actor,
    subject: { sub: who.sub, device: who.deviceId, group: groupId },
    outcome: 'success',
    requestId: context.requestId,
    data: {
      ...{ kind: name.kind, iss: name.iss, member: name.member_id, seq: claims.seq },
      ...{ reason: 'by an admin' },
      ...(receipt === null ? {} : { receipt: receipt.jti }),
    },
  });
  return receipt;
}
