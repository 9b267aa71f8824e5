import { encodeBase64url } from '../../protocol/base64url.ts';
import {
  type GroupConfirmation,
  type GroupOffer,
  type GroupRequest,
  groupOfferSchema,
  groupViewSchema,
} from '../../protocol/groups/api.ts';
import { type GroupKey, signGroupKey } from '../../protocol/groups/group-key.ts';
import { groupConfirmationTranscript } from '../../protocol/groups/group-transcript.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import type { ClientParts } from '../own-account.ts';
import { dropPersonKeys, makePersonKeys } from '../person-keys.ts';
import { randomId } from '../random-id.ts';
import { type Actor, actingDevice, judgeAdmins, refusalOf } from './acting.ts';
import { addMembers } from './change-members.ts';
import { checkGroupOffer } from './group-offer.ts';
import { newGroupPin } from './group-pins.ts';
import { type GroupKeys, type JudgedAdmin, sealGroupVaults } from './group-vault.ts';
import type { NewGroup, VerifiedGroup } from './groups.ts';
import { sentAgain } from './sent-again.ts';
import { describeGroup, judgeShown } from './view.ts';

/** Makes a group with its admins in it: who may change a group is not thereby one who can read. */
export async function createGroupOfAdmins(parts: ClientParts, wanted: NewGroup): Promise<VerifiedGroup> {
  const group = await createGroup(parts, wanted);
  const { added, notAdded } = await addMembers(parts, group, {
    people: group.admins.map(({ address }) => address),
  });
  const [refused] = notAdded;
  if (refused !== undefined) throw refusalOf(refused);
  return { ...group, members: group.members + added };
}

/**
 * Makes a group in two steps (PROTOCOL §10). Nothing is signed before the offer was checked; the private halves are
 * sealed to keys that this client verified, and dropped in any case.
 */
export async function createGroup(parts: ClientParts, wanted: NewGroup): Promise<VerifiedGroup> {
  const { context, api } = parts;
  const actor = await actingDevice(parts);
  const admins = await judgeAdmins(parts, actor, wanted.admins ?? []);
  const keys = await makePersonKeys(context.engine);
  try {
    const request = requestOf(parts, keys, wanted, admins);
    const offer = await api.post('/v1/groups', request, groupOfferSchema);
    const asked = { issuer: context.issuer, actor, request, admins, now: context.now() };
    const transcript = checkGroupOffer(context.engine, offer, asked);
    const claims = firstKey(offer, request, admins, actor, context.now());
    const token = await signGroupKey(actor.device.sig, claims);
    const confirmation = await confirm(parts, keys, { request, admins, claims, token, transcript });
    // What the bridge shows must be this; it is pinned when it is there.
    const made = { claims, token, hash: sha256Base64url(token) };
    const pin = newGroupPin(made, actor.statement.address);
    const path = `/v1/groups/offers/${encodeURIComponent(offer.offer_id)}/confirmation`;
    const shown = await sentAgain(() => api.post(path, confirmation, groupViewSchema));
    return describeGroup({ ...(await judgeShown(parts, claims, shown, pin)), firstSeen: true });
  } finally {
    dropPersonKeys(keys);
  }
}

function requestOf(
  { context: { engine } }: ClientParts,
  keys: GroupKeys,
  { kind, label, ends }: NewGroup,
  admins: readonly JudgedAdmin[],
): GroupRequest {
  return {
    request_id: randomId(),
    kind,
    label,
    ends: ends ?? null,
    client_half: preToJwk(engine.computePublicKey(keys.half)),
    signer: keys.sig.publicKey,
    admins: admins.map(({ sub }) => sub),
  };
}

function firstKey(
  offer: GroupOffer,
  { kind, label, ends, signer }: GroupRequest,
  admins: readonly JudgedAdmin[],
  { statement }: Actor,
  now: number,
): GroupKey {
  return {
    ...{ v: 1, iss: offer.iss, group: thumbprint(offer.group_key), kind, label },
    ...{ key: offer.group_key, signer, key_version: 0, seq: 0 },
    admins: admins.map(({ sub, address }) => ({ sub, address })),
    ...{ ends, creator: statement.sub, iat: now, prev: null },
  };
}

async function confirm(
  { context }: ClientParts,
  keys: GroupKeys,
  made: {
    readonly request: GroupRequest;
    readonly admins: readonly JudgedAdmin[];
    readonly claims: GroupKey;
    readonly token: string;
    readonly transcript: Uint8Array;
  },
): Promise<GroupConfirmation> {
  const { engine } = context;
  const sealed = await sealGroupVaults(context, keys, made.claims, made.admins);
  const vaults = sealed.map(({ bytes }) => bytes);
  const confirmed = groupConfirmationTranscript(made.transcript, { token: made.token, vaults });
  const half = preFromJwk(engine, made.request.client_half);
  return {
    group_key: made.token,
    half_proof: encodeBase64url(engine.schnorrSign(keys.half, half, confirmed)),
    vaults: sealed.map(({ sub, vault }) => ({ sub, vault })),
  };
}
