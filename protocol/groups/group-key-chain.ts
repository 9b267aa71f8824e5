import { parseAddress } from '../address.ts';
import { CountersignError } from '../errors.ts';
import { sha256Base64url } from '../hash.ts';
import { CLOCK_SKEW, decodeClaims } from '../jws.ts';
import { thumbprint } from '../public-key.ts';
import { assertAdmin, type GroupKey, groupKeySchema, verifyGroupKey } from './group-key.ts';
import { claimedSigner, type VerifiedSigner } from './signer-evidence.ts';

/** The group keys that one answer may carry. A group is seldom renewed; a client asks from what it has pinned. */
export const GROUP_KEY_TOKENS = 256;

/** What a verifier keeps of the newest key that it has verified, to hold the next one against. */
export interface GroupPin
  extends Pick<GroupKey, 'iss' | 'group' | 'kind' | 'creator' | 'admins' | 'seq' | 'key_version' | 'signer'> {
  /** sha256 of the token. */
  readonly hash: string;
  /** Of the token, seconds. Absent from what earlier versions pinned. */
  readonly iat?: number | undefined;
}

/** Whoever signed a group's key. */
export interface KeySigner extends VerifiedSigner {
  /**
   * Of a device that is gone: when the group's bridge stored the token, seconds. The device was verified as of then, and
   * nothing is said of now.
   */
  readonly stored?: number;
}

/** The verified signer of the token of this hash, by the device that it names. Throws what the verification throws. */
export type FindKeySigner = (deviceId: string, hash: string) => Promise<KeySigner>;

/** From where trust comes: a person whom the caller expects to be an admin (first contact), or what was pinned. */
export type GroupKeyTrust = { readonly expected: string } | { readonly pin: GroupPin };

export interface VerifiedGroupKey {
  readonly claims: GroupKey;
  /** sha256 of the newest token. */
  readonly hash: string;
  readonly token: string;
}

/** What to pin after a verification. */
export function groupPinOf({ claims, hash }: VerifiedGroupKey): GroupPin {
  const { iss, group, kind, creator, admins, seq, key_version, signer, iat } = claims;
  return { iss, group, kind, creator, admins, seq, key_version, signer, hash, iat };
}

/**
 * Verifies the keys of a group, oldest first, as its bridge or anybody on the way has listed them, and answers the
 * newest.
 *
 * At first contact some token must be by a device of the expected admin, and each one after it by an admin of the one
 * before: a bridge with an accomplice who is no admin gets nowhere. With a pin, the tokens must continue it. Tokens
 * before that point are not looked at, so their signers need not be there any more.
 *
 * `findSigner` verifies the evidence of a device; a signer without evidence ends the chain. What a device signed that is
 * gone counts as of when it was stored, and cannot be put behind a token that was signed later. Throws `group_untrusted`,
 * `group_key_chain`, `group_key_mismatch`, `group_not_admin`, `version_rollback` (older than the pin), and what the
 * signatures and `findSigner` throw.
 */
export async function verifyGroupKeyChain(
  tokens: readonly string[],
  group: { readonly iss: string; readonly group: string },
  trust: GroupKeyTrust,
  findSigner: FindKeySigner,
): Promise<VerifiedGroupKey> {
  if (tokens.length === 0 || tokens.length > GROUP_KEY_TOKENS) {
    throw new CountersignError('group_key_chain', `${tokens.length} keys of the group`);
  }
  const links = tokens.map((token) => readLink(token, group));
  return 'pin' in trust
    ? continuePin(links, trust.pin, findSigner)
    : fromExpected(links, parseAddress(trust.expected).address, findSigner);
}

interface Link extends VerifiedGroupKey {
  /** Device id that the header names. */
  readonly kid: string;
}

/** Not verified: attacker-controlled until its signature was. */
function readLink(token: string, expected: { iss: string; group: string }): Link {
  const claims = decodeClaims(token, 'group-key+jwt', groupKeySchema);
  if (claims.iss !== expected.iss || claims.group !== expected.group) {
    throw new CountersignError('group_key_mismatch', 'the key is another group’s');
  }
  return { token, claims, hash: sha256Base64url(token), kid: claimedSigner(token) };
}

async function continuePin(
  links: readonly Link[],
  pin: GroupPin,
  findSigner: FindKeySigner,
): Promise<VerifiedGroupKey> {
  if (links[0]?.claims.group !== pin.group || links[0].claims.iss !== pin.iss) {
    throw new CountersignError('group_key_mismatch', 'the pin is another group’s');
  }
  const [first, ...rest] = links.filter(({ claims }) => claims.seq >= pin.seq);
  if (first === undefined)
    throw new CountersignError('version_rollback', 'the group’s key is older than pinned');
  if (first.claims.seq > pin.seq) return verifyOnwards(pin, pin.hash, [first, ...rest], findSigner);
  if (first.hash !== pin.hash)
    throw new CountersignError('group_key_chain', 'it is not the one that was pinned');
  return rest.length === 0 ? first : verifyOnwards(first.claims, first.hash, rest, findSigner);
}

/** The newest token of the expected admin carries those after it; one further back would only need more evidence. */
async function fromExpected(
  links: readonly Link[],
  expected: string,
  findSigner: FindKeySigner,
): Promise<VerifiedGroupKey> {
  for (let index = links.length - 1; index >= 0; index--) {
    const link = links[index];
    if (link === undefined) break;
    const signer = await findSigner(link.kid, link.hash);
    if (signer.address !== expected) continue;
    assertStoredAfter(signer, await verifyGroupKey(link.token, signer), undefined);
    const onwards = links.slice(index + 1);
    return onwards.length === 0 ? link : verifyOnwards(link.claims, link.hash, onwards, findSigner);
  }
  throw new CountersignError('group_untrusted');
}

async function verifyOnwards(
  before: Omit<GroupPin, 'hash'>,
  hash: string,
  links: readonly Link[],
  findSigner: FindKeySigner,
): Promise<VerifiedGroupKey> {
  let [head, prev]: [Omit<GroupPin, 'hash'>, string] = [before, hash];
  let newest: Link | undefined;
  for (const link of links) {
    const signer = await findSigner(link.kid, link.hash);
    const claims = await verifyGroupKey(link.token, signer);
    assertGroupKeyFollows(claims, { claims: head, hash: prev });
    assertAdmin(head, signer);
    assertStoredAfter(signer, claims, head.iat);
    [head, prev, newest] = [link.claims, link.hash, link];
  }
  if (newest === undefined) throw new CountersignError('internal');
  return newest;
}

/**
 * Of a device that is gone only what was stored after the token before it was signed: once another device has signed,
 * nothing more can be dated back to when this one was good. Throws `group_key_chain`.
 */
function assertStoredAfter({ stored }: KeySigner, { iat }: GroupKey, before: number | undefined): void {
  if (stored === undefined) return;
  if (iat > stored + CLOCK_SKEW || (before !== undefined && stored < before - CLOCK_SKEW)) {
    throw new CountersignError('group_key_chain', 'it is dated back');
  }
}

/**
 * Refuses a key that does not continue the one before: next in number, naming its hash, and equal in all that never
 * changes. A rotation has another `signer`, and nothing else has. Throws `group_key_chain`.
 */
export function assertGroupKeyFollows(
  claims: GroupKey,
  before: { readonly claims: Omit<GroupPin, 'hash'>; readonly hash: string },
): void {
  const last = before.claims;
  if (claims.seq !== last.seq + 1 || claims.prev !== before.hash) {
    throw new CountersignError('group_key_chain', 'it does not name the one before');
  }
  // The key itself is held to the group's id.
  const same =
    claims.iss === last.iss &&
    claims.group === last.group &&
    claims.kind === last.kind &&
    claims.creator === last.creator;
  if (!same) throw new CountersignError('group_key_chain', 'it changes what never changes');
  const sameSigner = thumbprint(claims.signer) === thumbprint(last.signer);
  const step = claims.key_version - last.key_version;
  if (!(sameSigner ? step === 0 : step === 1)) {
    throw new CountersignError('group_key_chain', 'key version and signer do not rise together');
  }
}
