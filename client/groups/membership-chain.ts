import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { MEMBERSHIP_BATCH, type MembersResult, membersResultSchema } from '../../protocol/groups/api.ts';
import type { GroupKey } from '../../protocol/groups/group-key.ts';
import { type Member, type MembershipHead, signMembership } from '../../protocol/groups/membership.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { ClientParts } from '../own-account.ts';
import { randomId } from '../random-id.ts';
import { type Actor, assertActsFor } from './acting.ts';
import { pinMembers } from './group-pins.ts';
import type { GroupRef } from './groups.ts';
import { sentAgain } from './sent-again.ts';
import { type JudgedGroup, judgeGroup } from './view.ts';

/** How often a change is signed again because another admin was faster. */
const TRIES = 5;

/** One step of the chain, to be signed. */
export interface Change {
  readonly member: Member;
  /** Null for a removal. */
  readonly transformKey: (() => Uint8Array<ArrayBuffer>) | null;
}

/** Signs and sends statements in batches, each continuing the one before. Throws `membership_stale` after a rotation. */
export async function changeMembers(
  parts: ClientParts,
  actor: Actor,
  ref: GroupRef,
  group: JudgedGroup,
  changes: readonly Change[],
): Promise<MembersResult[]> {
  const results: MembersResult[] = [];
  let head = headOf(group);
  for (let start = 0; start < changes.length; start += MEMBERSHIP_BATCH) {
    const batch = changes.slice(start, start + MEMBERSHIP_BATCH);
    const transformKeys = await transformKeysOf(batch);
    const result = await sendBatch(parts, actor, ref, { group, head, batch, transformKeys });
    head = { seq: result.members_seq - 1, hash: result.members_head };
    results.push(result);
  }
  return results;
}

/** Each takes some 16 ms in WebAssembly: a page can do something else between one and the next. */
async function transformKeysOf(batch: readonly Change[]): Promise<Batch['transformKeys']> {
  const keys: (Uint8Array<ArrayBuffer> | null)[] = [];
  for (const { transformKey } of batch) {
    if (transformKey !== null) await new Promise((resolve) => setTimeout(resolve));
    keys.push(transformKey?.() ?? null);
  }
  return keys;
}

interface Batch {
  readonly group: JudgedGroup;
  readonly head: MembershipHead;
  readonly batch: readonly Change[];
  readonly transformKeys: readonly (Uint8Array<ArrayBuffer> | null)[];
}

/** Where another admin was faster, the group is viewed and all is signed again; a rotated key ends it. */
async function sendBatch(
  parts: ClientParts,
  actor: Actor,
  ref: GroupRef,
  first: Batch,
): Promise<MembersResult> {
  let current = first;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await signAndSend(parts, actor, current);
    } catch (error) {
      if (!isCountersignError(error, 'conflict') || attempt === TRIES) throw error;
      const group = await judgeGroup(parts, ref);
      assertActsFor(actor, group.claims);
      if (group.claims.key_version !== first.group.claims.key_version) {
        throw new CountersignError('membership_stale', 'the group has other keys by now');
      }
      current = { ...first, group, head: headOf(group) };
    }
  }
}

async function signAndSend(
  { context, api }: ClientParts,
  actor: Actor,
  { group: { claims }, head, batch, transformKeys }: Batch,
): Promise<MembersResult> {
  const tokens: string[] = [];
  let last = head;
  for (const [index, { member }] of batch.entries()) {
    const token = await signStatement(
      actor,
      claims,
      { head: last, member, now: context.now() },
      transformKeys[index],
    );
    tokens.push(token);
    last = { seq: (last?.seq ?? -1) + 1, hash: sha256Base64url(token) };
  }
  const body = {
    request_id: randomId(),
    tokens,
    transform_keys: transformKeys.filter((key) => key !== null).map(encodeBase64url),
  };
  const path = `/v1/groups/${claims.group}/members`;
  const result = await sentAgain(() => api.post(path, body, membersResultSchema));
  if (last !== null) await pinMembers(context, claims.group, { seq: last.seq + 1, hash: last.hash });
  return result;
}

function signStatement(
  { device }: Actor,
  { iss, group, key_version }: GroupKey,
  { head, member, now }: { head: MembershipHead; member: Member; now: number },
  transformKey: Uint8Array<ArrayBuffer> | null | undefined,
): Promise<string> {
  const common = {
    ...{ v: 1 as const, iss, group, seq: (head?.seq ?? -1) + 1, member, group_key_version: key_version },
    nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(32))),
    ...{ iat: now, prev: head?.hash ?? null },
  };
  return signMembership(
    device.sig,
    transformKey == null
      ? { ...common, act: 'remove' }
      : { ...common, act: 'add', transform_key: sha256Base64url(transformKey) },
  );
}

/** As the bridge says: a wrong head makes a statement that follows nothing, and is of no use to anybody. */
function headOf({ shown }: JudgedGroup): MembershipHead {
  const { members_head: hash, members_seq: count } = shown;
  return hash === null ? null : { seq: count - 1, hash };
}
