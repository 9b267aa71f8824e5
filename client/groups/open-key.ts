import { parseAddress } from '../../protocol/address.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type KeyOpening, keyOpeningSchema } from '../../protocol/groups/api.ts';
import { isGroupMember } from '../../protocol/groups/membership.ts';
import { type Party, sameParty } from '../../protocol/groups/party.ts';
import {
  assertSealedPlaintext,
  type SealedKey,
  sealedKeySchema,
  verifySealedKey,
} from '../../protocol/groups/sealed-key.ts';
import { claimedSigner, type VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { decodeEncryptedValue } from '../../recrypt/encoding.ts';
import { type ClientParts, currentDevice } from '../own-account.ts';
import { randomId } from '../random-id.ts';
import { actingDevice } from './acting.ts';
import type { GroupRef, KeyRecipient, OpenedKey, Sealer } from './groups.ts';
import { listedMemberships } from './list-members.ts';
import { isOutdated, verifyPastSigner } from './past-signer.ts';
import { signersOf } from './signers.ts';
import { type JudgedGroup, judgeGroup } from './view.ts';

/** Opens what is sealed to a group, or to the person themselves by their address. */
export async function openKey(
  parts: ClientParts,
  recipient: KeyRecipient,
  keyId: string,
  { sealer }: { sealer?: string } = {},
): Promise<OpenedKey> {
  const expected = { from: recipient, ...(sealer === undefined ? {} : { sealer }) };
  if (typeof recipient !== 'string') {
    return (await openKeyOf(parts, partyOf(recipient), keyId, expected)).opened;
  }
  const { statement } = await actingDevice(parts);
  const to = { iss: statement.iss, sub: statement.sub };
  return (await openKeyOf(parts, to, keyId, expected)).opened;
}

/** A key, and the verified device that sealed it. */
export interface OpenedWithSigner {
  readonly opened: OpenedKey;
  readonly signer: VerifiedSigner;
}

/**
 * Has a sealed key transformed for this device by the bridges on the way, and opens it: the sealer's word is verified
 * first, the plaintext is held against the commitment, and only then is there a key (PROTOCOL §10). `to` may be
 * anybody's word; `from` is whose it must be.
 */
export async function openKeyOf(
  parts: ClientParts,
  to: Party,
  keyId: string,
  { from, sealer }: { from?: KeyRecipient; sealer?: string },
): Promise<OpenedWithSigner> {
  const group = await judgeWhose(parts, to, from);
  const body = { request_id: randomId(), to, key_id: keyId };
  const opening = await parts.api.post('/v1/key-openings', body, keyOpeningSchema);
  const { claims, signer, current } = await judgeSealedKey(parts, { to, keyId }, opening);
  const expected = sealer === undefined ? undefined : parseAddress(sealer).address;
  const role = await roleOf(parts, expected, group, signer);
  const key = await openPlaintext(parts, opening, claims);
  const { iss, sub, device_id: deviceId } = signer.device;
  const opened = {
    ...{ keyId, key, term: claims.term, epoch: claims.epoch, sealed: claims.iat },
    sealer: { address: signer.address, iss, sub, deviceId, role, current },
  };
  return { opened, signer };
}

/** The group, verified; null for the person themselves. Nobody else's keys open. Throws `sealed_key_mismatch`. */
async function judgeWhose(
  parts: ClientParts,
  to: Party,
  from: KeyRecipient | undefined,
): Promise<JudgedGroup | null> {
  if ('group' in to) {
    const ref = from ?? to;
    const isTheirs = typeof ref !== 'string' && sameParty(partyOf(ref), to);
    if (!isTheirs) throw new CountersignError('sealed_key_mismatch', 'the key is of another group');
    return judgeGroup(parts, ref);
  }
  const { statement } = await actingDevice(parts);
  const isOwn = sameParty(to, { iss: statement.iss, sub: statement.sub });
  const isTheirs =
    from === undefined || (typeof from === 'string' && parseAddress(from).address === statement.address);
  if (!isOwn || !isTheirs) throw new CountersignError('sealed_key_mismatch', 'the key is somebody else’s');
  return null;
}

interface JudgedSealer {
  readonly claims: SealedKey;
  readonly signer: VerifiedSigner;
  readonly current: boolean;
}

/**
 * The sealer's word, under the evidence of their device, for exactly the key that was asked for. Evidence that is
 * outdated counts as of when they sealed, and is said to.
 */
async function judgeSealedKey(
  parts: ClientParts,
  { to, keyId }: { readonly to: Party; readonly keyId: string },
  { token, signer: evidence }: Pick<KeyOpening, 'token' | 'signer'>,
): Promise<JudgedSealer> {
  const expected = { to, key_id: keyId };
  try {
    const signer = await signersOf(parts, [evidence])(claimedSigner(token));
    return { claims: await verifySealedKey(token, signer, expected), signer, current: true };
  } catch (error) {
    if (!(await isOutdated(parts, evidence))) throw error;
    const { iat } = decodeClaims(token, 'sealed-key+jwt', sealedKeySchema);
    const signer = await verifyPastSigner(parts, evidence, iat);
    return { claims: await verifySealedKey(token, signer, expected), signer, current: false };
  }
}

/** The plaintext that the sealer committed to, or nothing: anybody can encrypt to a public key. */
export async function openPlaintext(
  { context }: ClientParts,
  { encrypted, hops }: Pick<KeyOpening, 'encrypted' | 'hops'>,
  claims: SealedKey,
): Promise<Uint8Array> {
  const { engine } = context;
  const device = await currentDevice(context);
  const value = decodeEncryptedValue(decodeBase64url(encrypted), { maxBlocks: hops });
  if (value.transformBlocks.length !== hops) {
    throw new CountersignError('sealed_key_mismatch', 'it went another way than the bridge says');
  }
  const plaintext = engine.decrypt(value, device.pre);
  assertSealedPlaintext(claims, plaintext);
  const key = Uint8Array.from(engine.deriveSymmetricKey(plaintext));
  plaintext.fill(0);
  return key;
}

/** What the sealer is to the recipient. Throws `sealed_key_sealer` for somebody whose keys do not count. */
async function roleOf(
  parts: ClientParts,
  sealer: string | undefined,
  group: JudgedGroup | null,
  { address, device }: VerifiedSigner,
): Promise<Sealer['role']> {
  if (sealer !== undefined && address !== sealer) {
    throw new CountersignError('sealed_key_sealer', `it is sealed by ${address}`);
  }
  if (group === null) return 'person';
  const { iss, sub } = device;
  const isAdmin = group.claims.admins.some((admin) => admin.sub === sub && admin.address === address);
  if (isAdmin && iss === group.claims.iss) return 'admin';
  const { own_key: own } = await parts.context.pins.read();
  if (iss === parts.context.issuer && address === own?.address) return 'self';
  if (sealer !== undefined) return 'expected';
  if (await isDirectMember(parts, group, { iss, sub })) return 'member';
  throw new CountersignError(
    'sealed_key_sealer',
    `${address} is no admin or direct member; expect them by name`,
  );
}

/** By an admin's word. Lists of other bridges cannot be read: their members are expected by name. */
async function isDirectMember(
  parts: ClientParts,
  group: JudgedGroup,
  person: { iss: string; sub: string },
): Promise<boolean> {
  if (group.claims.iss !== parts.context.issuer) return false;
  for await (const { claims, by } of listedMemberships(parts, group)) {
    const { member } = claims;
    if (by !== null && !isGroupMember(member) && sameParty(member, person)) return true;
  }
  return false;
}

function partyOf({ iss, group }: Pick<GroupRef, 'iss' | 'group'>): Party {
  return { iss, group };
}
