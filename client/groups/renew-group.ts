import { parseAddress } from '../../protocol/address.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { type GroupKeysBody, groupViewSchema } from '../../protocol/groups/api.ts';
import { type GroupKey, signGroupKey } from '../../protocol/groups/group-key.ts';
import { groupRotationTranscript } from '../../protocol/groups/group-transcript.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import type { ClientParts } from '../own-account.ts';
import { dropPersonKeys, makePersonKeys } from '../person-keys.ts';
import { type Actor, actingDevice, assertActsFor, judgeAdmins } from './acting.ts';
import { addMembers } from './change-members.ts';
import { pinnedGroup } from './group-pins.ts';
import { openGroupVault, sealGroupVaults } from './group-vault.ts';
import type { GroupRef, VerifiedGroup } from './groups.ts';
import { sentAgain } from './sent-again.ts';
import { describeGroup, type JudgedGroup, judgeGroup, judgeShown, viewGroup } from './view.ts';

export interface GroupChanges {
  /** Addresses of the other admins, besides the one who signs. */
  readonly admins?: readonly string[];
  readonly label?: string;
  readonly ends?: number;
}

/** How often the next key is made again because another admin was faster. */
const TRIES = 5;

/** The same group under a new signature, with new private halves where its admins change; new ones are put in. */
export async function renewGroup(
  parts: ClientParts,
  ref: GroupRef,
  changes: GroupChanges = {},
): Promise<VerifiedGroup> {
  const before = await pinnedGroup(parts.context, ref);
  const renewed = await renewKey(parts, ref, changes);
  const known = before?.admins.map(({ address }) => address) ?? [];
  const people = renewed.admins.map(({ address }) => address).filter((each) => !known.includes(each));
  if (people.length > 0) await addMembers(parts, ref, { people });
  return people.length === 0 ? renewed : viewGroup(parts, ref);
}

function renewKey(parts: ClientParts, ref: GroupRef, changes: GroupChanges): Promise<VerifiedGroup> {
  return replaceKey(parts, ref, (group, actor) => {
    const { label, ends } = changes;
    if (ends !== undefined && group.claims.ends === null) {
      throw new CountersignError('claims_invalid', 'a durable group has no end');
    }
    const next = {
      ...nextKey(group, parts.context.now()),
      ...(label === undefined ? {} : { label }),
      ...(ends === undefined ? {} : { ends }),
    };
    return adminsStay(group.claims, actor, changes.admins)
      ? signedAlone(actor, next)
      : rotated(parts, actor, group.claims, next, changes.admins ?? []);
  });
}

/** New private halves for the same G′ and the same admins (PROTOCOL §10): an old one leads nowhere afterwards. */
export function rotateGroup(parts: ClientParts, ref: GroupRef): Promise<VerifiedGroup> {
  return replaceKey(parts, ref, (group, actor) => {
    const admins = group.claims.admins.map(({ address }) => address);
    return rotated(parts, actor, group.claims, nextKey(group, parts.context.now()), admins);
  });
}

/** The same, if the keys are still of this version: what another admin has rotated meanwhile is not rotated again. */
export function rotateGroupFrom(parts: ClientParts, ref: GroupRef, version: number): Promise<VerifiedGroup> {
  return replaceKey(parts, ref, async (group, actor) => {
    if (group.claims.key_version !== version) return null;
    const admins = group.claims.admins.map(({ address }) => address);
    return rotated(parts, actor, group.claims, nextKey(group, parts.context.now()), admins);
  });
}

/** `make` answers null where nothing is to be replaced any more. */
async function replaceKey(
  parts: ClientParts,
  ref: GroupRef,
  make: (group: JudgedGroup, actor: Actor) => Promise<GroupKeysBody | null>,
): Promise<VerifiedGroup> {
  const actor = await actingDevice(parts);
  for (let attempt = 1; ; attempt += 1) {
    const group = await judgeGroup(parts, ref);
    assertActsFor(actor, group.claims);
    try {
      const body = await make(group, actor);
      if (body === null) return describeGroup(group);
      const path = `/v1/groups/${ref.group}/keys`;
      const shown = await sentAgain(() => parts.api.post(path, body, groupViewSchema));
      return describeGroup(await judgeShown(parts, ref, shown, await pinnedGroup(parts.context, ref)));
    } catch (error) {
      if (!isCountersignError(error, 'conflict') || attempt === TRIES) throw error;
    }
  }
}

function nextKey({ claims, hash }: JudgedGroup, now: number): GroupKey {
  return { ...claims, seq: claims.seq + 1, iat: now, prev: hash };
}

function adminsStay(
  { admins }: GroupKey,
  { statement }: Actor,
  addresses: readonly string[] | undefined,
): boolean {
  if (addresses === undefined) return true;
  const wanted = new Set([statement.address, ...addresses.map((text) => parseAddress(text).address)]);
  return wanted.size === admins.length && admins.every(({ address }) => wanted.has(address));
}

async function signedAlone({ device }: Actor, next: GroupKey): Promise<GroupKeysBody> {
  return { token: await signGroupKey(device.sig, next) };
}

/** g_new and f = g_old − g_new, which the bridge adds to its share: the sum of both stays what it was. */
async function rotated(
  parts: ClientParts,
  actor: Actor,
  before: GroupKey,
  next: GroupKey,
  addresses: readonly string[],
): Promise<GroupKeysBody> {
  const { context } = parts;
  const { engine } = context;
  const admins = await judgeAdmins(parts, actor, addresses);
  const old = await openGroupVault(parts, actor.device, before, actor.statement.sub);
  const fresh = await makePersonKeys(engine);
  try {
    const claims: GroupKey = {
      ...next,
      key_version: before.key_version + 1,
      signer: fresh.sig.publicKey,
      admins: admins.map(({ sub, address }) => ({ sub, address })),
    };
    const token = await signGroupKey(actor.device.sig, claims);
    const sealed = await sealGroupVaults(context, fresh, claims, admins);
    const factor = engine.subtractPrivateKeys(old.half, fresh.half);
    const half = engine.computePublicKey(fresh.half);
    const clientHalf = preToJwk(half);
    const { iss, group, key_version: keyVersion } = claims;
    const confirmed = groupRotationTranscript(
      { iss, group, keyVersion, clientHalf },
      { token, factor, vaults: sealed.map(({ bytes }) => bytes) },
    );
    return {
      token,
      vaults: sealed.map(({ sub, vault }) => ({ sub, vault })),
      factor: encodeBase64url(factor),
      client_half: clientHalf,
      half_proof: encodeBase64url(engine.schnorrSign(fresh.half, half, confirmed)),
    };
  } finally {
    dropPersonKeys(old);
    dropPersonKeys(fresh);
  }
}
