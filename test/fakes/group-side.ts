import { createGroups, type GroupsDeps } from '../../bridge/groups/create-groups.ts';
import type { Groups } from '../../bridge/groups/services.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import { exportSigningKey, generateSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type {
  GroupConfirmation,
  GroupKeysBody,
  GroupOffer,
  GroupRequest,
  GroupView,
} from '../../protocol/groups/api.ts';
import { type Exclusion, signExclusion } from '../../protocol/groups/exclusion.ts';
import { type GroupKey, signGroupKey } from '../../protocol/groups/group-key.ts';
import {
  type GroupTranscript,
  groupConfirmationTranscript,
  groupRotationTranscript,
  groupTranscript,
} from '../../protocol/groups/group-transcript.ts';
import { groupVaultContext } from '../../protocol/groups/group-vault.ts';
import { type Member, type Membership, signMembership } from '../../protocol/groups/membership.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { type EncryptionKey, thumbprint } from '../../protocol/public-key.ts';
import { encodeVault } from '../../protocol/vault.ts';
import { encodeTransformKey, preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { sealTo } from '../../recrypt/sealed-box.ts';
import type { PreKeyPair, TransformEngine } from '../../recrypt/transform-engine.ts';
import type { BridgeParts } from './bridge-parts.ts';
import { contextOf, type Enrolled } from './client-side.ts';

/** The groups of a bridge without HTTP; no partner is asked unless `foreign` does. */
export function groupsOf(parts: BridgeParts, changes: Partial<GroupsDeps> = {}): Groups {
  const foreign = async (): Promise<never> => {
    throw new CountersignError('partner_unknown');
  };
  return createGroups({ ...parts, foreign, askMemberships: foreign, ...changes });
}

/** The private halves of a group, as the client that makes it holds them: g, and the signer of transform keys. */
export interface GroupSecrets {
  readonly half: PreKeyPair;
  readonly signer: SigningKey;
}

export async function newGroupSecrets(engine: TransformEngine): Promise<GroupSecrets> {
  return { half: engine.generateKeyPair(), signer: await generateSigningKey(true) };
}

/** A group in the making, as its client knows it. */
export interface MakingGroup {
  readonly creator: Enrolled;
  readonly secrets: GroupSecrets;
  readonly request: GroupRequest;
  readonly offer: GroupOffer;
}

/** A group as an admin's client knows it: what its next statements continue is kept up by the functions below. */
export interface MadeGroup extends MakingGroup {
  readonly group: string;
  readonly key: EncryptionKey;
  secrets: GroupSecrets;
  /** The newest `group-key+jwt`. */
  claims: GroupKey;
  head: string;
  /** Where the chain of memberships stands. */
  members: { seq: number; hash: string } | null;
}

export function groupRequest(
  creator: Enrolled,
  secrets: GroupSecrets,
  changes: Partial<GroupRequest> = {},
): GroupRequest {
  return {
    request_id: newId(),
    kind: 'durable',
    label: 'Board',
    ends: null,
    client_half: preToJwk(secrets.half.publicKey),
    signer: secrets.signer.publicKey,
    admins: [creator.who.sub],
    ...changes,
  };
}

/** Step 1. */
export async function beginGroup(
  { parts, groups }: { parts: BridgeParts; groups: Groups },
  creator: Enrolled,
  changes: Partial<GroupRequest> = {},
): Promise<MakingGroup> {
  const secrets = await newGroupSecrets(parts.engine);
  const request = groupRequest(creator, secrets, changes);
  const offer = await groups.making.offer(creator.who, request, contextOf(creator.who));
  return { creator, secrets, request, offer };
}

export function firstGroupKey({ creator, request, offer }: MakingGroup): GroupKey {
  return {
    v: 1,
    iss: offer.iss,
    group: thumbprint(offer.group_key),
    kind: request.kind,
    label: request.label,
    key: offer.group_key,
    signer: request.signer,
    key_version: 0,
    seq: 0,
    admins: offer.admins.map(({ sub, address }) => ({ sub, address })),
    ends: request.ends,
    creator: creator.who.sub,
    iat: creator.offer.statement.since,
    prev: null,
  };
}

export function groupTranscriptMembers({ creator, request, offer }: MakingGroup): GroupTranscript {
  return {
    iss: offer.iss,
    requestId: request.request_id,
    nonce: offer.nonce,
    offerId: offer.offer_id,
    creator: creator.who.sub,
    device: creator.who.deviceId,
    kind: request.kind,
    label: request.label,
    ends: request.ends,
    clientHalf: request.client_half,
    share: offer.share,
    groupKey: offer.group_key,
    signer: request.signer,
    admins: offer.admins,
    policyHash: offer.policy_hash,
  };
}

export async function sealGroupVault(
  engine: TransformEngine,
  secrets: GroupSecrets,
  { sub, key }: { sub: string; key: EncryptionKey },
  group: { iss: string; group: string; key_version: number },
): Promise<Uint8Array> {
  const content = encodeVault({
    v: 1,
    pre: encodeBase64url(secrets.half.privateKey),
    sig: await exportSigningKey(secrets.signer),
  });
  return sealTo(engine, preFromJwk(engine, key), content, groupVaultContext({ ...group, sub }));
}

/** What a test can have the client do wrong; each part is consistent with the others otherwise. */
export interface GroupFaults {
  readonly transcript?: Partial<GroupTranscript>;
  readonly claims?: Partial<GroupKey>;
  readonly signer?: SigningKey;
  readonly halfSigner?: PreKeyPair;
  readonly vaults?: (vaults: { sub: string; vault: string }[]) => { sub: string; vault: string }[];
}

export async function groupConfirmation(
  engine: TransformEngine,
  making: MakingGroup,
  faults: GroupFaults = {},
): Promise<GroupConfirmation & { claims: GroupKey }> {
  const { creator, secrets, offer } = making;
  const claims = { ...firstGroupKey(making), ...faults.claims };
  const token = await signGroupKey(faults.signer ?? creator.device.sig, claims);
  const sealed = await Promise.all(
    offer.admins.map(async (admin) => ({
      sub: admin.sub,
      vault: encodeBase64url(await sealGroupVault(engine, secrets, admin, claims)),
    })),
  );
  const vaults = faults.vaults?.(sealed) ?? sealed;
  const transcript = groupConfirmationTranscript(
    groupTranscript({ ...groupTranscriptMembers(making), ...faults.transcript }),
    { token, vaults: vaults.map(({ vault }) => decodeBase64url(vault)) },
  );
  const half = faults.halfSigner ?? secrets.half;
  const proof = engine.schnorrSign(half.privateKey, half.publicKey, transcript);
  return { group_key: token, half_proof: encodeBase64url(proof), vaults, claims };
}

/** Both steps. */
export async function makeGroup(
  on: { parts: BridgeParts; groups: Groups },
  creator: Enrolled,
  changes: Partial<GroupRequest> = {},
): Promise<MadeGroup & { view: GroupView }> {
  const making = await beginGroup(on, creator, changes);
  const { claims, ...confirmation } = await groupConfirmation(on.parts.engine, making);
  const view = await on.groups.making.confirm(
    creator.who,
    making.offer.offer_id,
    confirmation,
    contextOf(creator.who),
  );
  const head = sha256Base64url(confirmation.group_key);
  return { ...making, group: claims.group, key: claims.key, claims, head, members: null, view };
}

/** g→member, signed with the group's signer. */
export async function memberKey(
  engine: TransformEngine,
  { half, signer }: GroupSecrets,
  to: EncryptionKey,
): Promise<Uint8Array> {
  const { d, x } = await exportSigningKey(signer);
  const signingKey = concatBytes(decodeBase64url(d, 32), decodeBase64url(x, 32));
  return encodeTransformKey(engine.generateTransformKey(half.privateKey, preFromJwk(engine, to), signingKey));
}

/** A person as they are added: by name, key version and U′. */
export function memberOf(enrolled: Enrolled): { member: Member; key: EncryptionKey } {
  const { iss, sub, key_version, keys } = enrolled.offer.statement;
  return { member: { iss, sub, key_version }, key: keys[0] };
}

/** A durable group as it is added. */
export function memberOfGroup({ group, key, claims }: MadeGroup): { member: Member; key: EncryptionKey } {
  return { member: { iss: claims.iss, group, key_version: claims.key_version }, key };
}

/** Signs the next statement of a group's chain, and keeps up where that stands. */
export async function nextMembership(
  made: MadeGroup,
  statement: { member: Member; key?: Uint8Array },
  changes: Partial<Membership> = {},
  device: SigningKey = made.creator.device.sig,
): Promise<string> {
  const { member, key } = statement;
  const common = {
    v: 1 as const,
    iss: made.claims.iss,
    group: made.group,
    seq: made.members === null ? 0 : made.members.seq + 1,
    member,
    group_key_version: made.claims.key_version,
    nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(32))),
    iat: made.claims.iat,
    prev: made.members?.hash ?? null,
  };
  const claims =
    key === undefined
      ? { act: 'remove' as const, ...common }
      : { act: 'add' as const, ...common, transform_key: sha256Base64url(key) };
  const token = await signMembership(device, { ...claims, ...changes } as Membership);
  made.members = { seq: common.seq, hash: sha256Base64url(token) };
  return token;
}

/** The body that adds these, in their order. */
export async function additions(
  engine: TransformEngine,
  made: MadeGroup,
  members: readonly { member: Member; key: EncryptionKey }[],
  device?: SigningKey,
) {
  const body = { request_id: newId(), tokens: [] as string[], transform_keys: [] as string[] };
  for (const { member, key } of members) {
    const encoded = await memberKey(engine, made.secrets, key);
    body.tokens.push(await nextMembership(made, { member, key: encoded }, {}, device));
    body.transform_keys.push(encodeBase64url(encoded));
  }
  return body;
}

/** The body that removes these, in their order. */
export async function removals(made: MadeGroup, members: readonly Member[], device?: SigningKey) {
  const body = { request_id: newId(), tokens: [] as string[], transform_keys: [] };
  for (const member of members) body.tokens.push(await nextMembership(made, { member }, {}, device));
  return body;
}

export async function exclusion(
  made: MadeGroup,
  member: { iss: string; sub: string },
  changes: Partial<Exclusion> = {},
  device: SigningKey = made.creator.device.sig,
): Promise<string> {
  return signExclusion(device, {
    v: 1,
    iss: made.claims.iss,
    group: made.group,
    member: { iss: member.iss, sub: member.sub },
    act: 'exclude',
    nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(32))),
    iat: made.claims.iat,
    ...changes,
  });
}

/** The claims of the next `group-key+jwt`. */
export function nextGroupKey(made: MadeGroup, changes: Partial<GroupKey> = {}): GroupKey {
  return { ...made.claims, seq: made.claims.seq + 1, prev: made.head, ...changes };
}

/** Notes what a group's next token made of it. */
export function tookEffect(made: MadeGroup, claims: GroupKey, token: string, secrets = made.secrets): void {
  made.claims = claims;
  made.head = sha256Base64url(token);
  made.secrets = secrets;
}

/** What a test can have a rotating client do wrong. */
export interface RotationFaults {
  readonly claims?: Partial<GroupKey>;
  readonly factor?: Uint8Array;
  readonly clientHalf?: EncryptionKey;
  readonly halfSigner?: PreKeyPair;
  readonly device?: SigningKey;
}

/** The body of a rotation for admins whose keys these are, with the new private halves. */
export async function groupRotation(
  engine: TransformEngine,
  made: MadeGroup,
  admins: readonly { sub: string; key: EncryptionKey }[],
  faults: RotationFaults = {},
): Promise<{ body: GroupKeysBody; claims: GroupKey; secrets: GroupSecrets }> {
  const secrets = await newGroupSecrets(engine);
  const claims = nextGroupKey(made, {
    key_version: made.claims.key_version + 1,
    signer: secrets.signer.publicKey,
    ...faults.claims,
  });
  const token = await signGroupKey(faults.device ?? made.creator.device.sig, claims);
  const factor =
    faults.factor ?? engine.subtractPrivateKeys(made.secrets.half.privateKey, secrets.half.privateKey);
  const vaults = await Promise.all(
    admins.map(async ({ sub, key }) => ({
      sub,
      vault: await sealGroupVault(engine, secrets, { sub, key }, claims),
    })),
  );
  const clientHalf = faults.clientHalf ?? preToJwk(secrets.half.publicKey);
  const transcript = groupRotationTranscript(
    { iss: claims.iss, group: made.group, keyVersion: claims.key_version, clientHalf },
    { token, factor, vaults: vaults.map(({ vault }) => vault) },
  );
  const half = faults.halfSigner ?? secrets.half;
  const body = {
    token,
    vaults: vaults.map(({ sub, vault }) => ({ sub, vault: encodeBase64url(vault) })),
    factor: encodeBase64url(factor),
    client_half: clientHalf,
    half_proof: encodeBase64url(engine.schnorrSign(half.privateKey, half.publicKey, transcript)),
  };
  return { body, claims, secrets };
}

/** Puts people and durable groups into a group, as its creator. */
export async function addMembers(
  { groups, parts }: { readonly groups: Groups; readonly parts: BridgeParts },
  made: MadeGroup,
  members: readonly (Enrolled | MadeGroup)[],
): Promise<void> {
  if (members.length === 0) return;
  const named = members.map((each) => ('group' in each ? memberOfGroup(each) : memberOf(each)));
  const { who } = made.creator;
  await groups.members.change(who, made.group, await additions(parts.engine, made, named), contextOf(who));
}
