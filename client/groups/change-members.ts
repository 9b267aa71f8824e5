import { isCountersignError } from '../../protocol/errors.ts';
import type { Member } from '../../protocol/groups/membership.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import { encodeTransformKey, preFromJwk } from '../../recrypt/encoding.ts';
import type { VerifiedAnswer } from '../answers.ts';
import { lookUp } from '../look-up.ts';
import type { ClientParts } from '../own-account.ts';
import { dropPersonKeys } from '../person-keys.ts';
import { type Actor, actingDevice, assertActsFor } from './acting.ts';
import { type GroupKeys, openGroupVault } from './group-vault.ts';
import type { Addition, GroupRef, Members, Removal } from './groups.ts';
import { changeMembers } from './membership-chain.ts';
import { namedPeople } from './named-people.ts';
import { type JudgedGroup, judgeGroup } from './view.ts';

/** Somebody, with the key that this client verified to be theirs. */
interface JudgedMember {
  readonly member: Member;
  readonly key: EncryptionKey;
}

/** How often a transform key is made again because another admin rotated the group’s. */
const TRIES = 5;

/**
 * Adds people and durable groups. Each transform key leads to a key that this client verified itself (a look-up, the
 * view of the durable group), never to what the bridge says that it is.
 */
export async function addMembers(parts: ClientParts, ref: GroupRef, wanted: Members): Promise<Addition> {
  const actor = await actingDevice(parts);
  const group = await judgeGroup(parts, ref);
  assertActsFor(actor, group.claims);
  const answers = await lookUp(parts, [...new Set(wanted.people ?? [])]);
  const verified = answers.filter((answer): answer is VerifiedAnswer => answer.status === 'verified');
  const joining = [
    ...verified.map(({ statement }) => personOf(statement)),
    ...(await durableGroups(parts, wanted.groups ?? [])),
  ];
  if (joining.length > 0) await addJudged(parts, actor, ref, group, joining);
  return { added: joining.length, notAdded: answers.filter((answer) => answer.status !== 'verified') };
}

export async function removeMembers(parts: ClientParts, ref: GroupRef, leaving: Members): Promise<Removal> {
  const actor = await actingDevice(parts);
  const group = await judgeGroup(parts, ref);
  assertActsFor(actor, group.claims);
  const members = [
    ...(await namedPeople(parts, leaving.people ?? [])),
    ...(await namedGroups(parts, leaving.groups ?? [])),
  ];
  const changes = members.map((member) => ({ member, transformKey: null }));
  const results = await changeMembers(parts, actor, ref, group, changes);
  return { receipts: results.flatMap(({ receipts }) => receipts) };
}

/** Where another admin rotated the group's key meanwhile, all is made again with the new private halves. */
async function addJudged(
  parts: ClientParts,
  actor: Actor,
  ref: GroupRef,
  first: JudgedGroup,
  joining: readonly JudgedMember[],
): Promise<void> {
  let group = first;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await addWithKeys(parts, actor, ref, group, joining);
    } catch (error) {
      const mayBeRotated =
        isCountersignError(error, 'membership_stale') || isCountersignError(error, 'vault_mismatch');
      if (!mayBeRotated || attempt === TRIES) throw error;
      const { key_version: before } = group.claims;
      group = await judgeGroup(parts, ref);
      // Then it is a member’s key that is another one, or the bridge lies.
      if (group.claims.key_version === before) throw error;
    }
  }
}

async function addWithKeys(
  parts: ClientParts,
  actor: Actor,
  ref: GroupRef,
  group: JudgedGroup,
  joining: readonly JudgedMember[],
): Promise<void> {
  const { engine } = parts.context;
  const keys = await openGroupVault(parts, actor.device, group.claims, actor.statement.sub);
  try {
    const changes = joining.map(({ member, key }) => ({
      member,
      transformKey: () => transformKeyTo(engine, keys, key),
    }));
    await changeMembers(parts, actor, ref, group, changes);
  } finally {
    dropPersonKeys(keys);
  }
}

/** g → the member's key, signed by the group's signer, which the bridge pins. */
function transformKeyTo(
  engine: ClientParts['context']['engine'],
  keys: GroupKeys,
  to: EncryptionKey,
): Uint8Array<ArrayBuffer> {
  const key = engine.generateTransformKey(keys.half, preFromJwk(engine, to), keys.recryptSig);
  return encodeTransformKey(key);
}

function personOf({ iss, sub, key_version, keys }: KeyStatement): JudgedMember {
  return { member: { iss, sub, key_version }, key: keys[0] };
}

/** To take a group out takes no proof of what it is: the id says which. */
async function namedGroups(parts: ClientParts, refs: readonly GroupRef[]): Promise<Member[]> {
  const { groups } = await parts.context.pins.read();
  return refs.map(({ iss, group }) => ({ iss, group, key_version: groups?.[group]?.key_version ?? 0 }));
}

async function durableGroups(parts: ClientParts, refs: readonly GroupRef[]): Promise<JudgedMember[]> {
  const judged: JudgedMember[] = [];
  for (const ref of refs) {
    const { iss, group, key_version, key } = (await judgeGroup(parts, ref)).claims;
    judged.push({ member: { iss, group, key_version }, key });
  }
  return judged;
}
