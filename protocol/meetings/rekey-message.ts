import * as z from 'zod/mini';
import { bytes, digest, entityId, id, seconds } from '../claims.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { sha256Base64url } from '../hash.ts';
import { decodeClaims, readHeader, signJws, verifyJws } from '../jws.ts';
import { type SignatureKey, thumbprint } from '../public-key.ts';
import { REKEY_DEPARTURES, REKEY_JOINS, REKEY_LENGTH, REKEY_WRAPS, TREE_LEVELS } from './limits.ts';
import { WRAP_BYTES, WRAPPED_KEY_BYTES } from './wrap-list.ts';

const leaf = z.int().check(z.gte(0), z.lt(2 ** TREE_LEVELS));
const counter = z.int().check(z.positive(), z.lte(0xffff_ffff));

/** A device that gets a place in the tree. `placement` is the sha256 of the box that only it can open. */
export const joinedSchema = z.strictObject({
  leaf,
  iss: entityId,
  sub: id,
  device_id: digest,
  placement: digest,
});

const members = {
  iss: entityId,
  sub: id,
  group: digest,
  /** Raised by every take-over. */
  term: counter,
  /** Counts on over terms. */
  epoch: counter,
  /** sha256 of the message before; null only for the first of a meeting. */
  prev: z.nullable(digest),
  /** The Merkle root over the leaves after this change (roster.ts). */
  members: digest,
  /** The tree has 2^levels places. */
  levels: z.int().check(z.gte(0), z.lte(TREE_LEVELS)),
  /** For presence proofs of this epoch; and it makes every derived key of this message one of its own. */
  challenge: digest,
  change: z.strictObject({
    joined: z.array(joinedSchema).check(z.maxLength(REKEY_JOINS)),
    /** Freed before anybody joins: a place may stand in both. */
    left: z.array(leaf).check(z.maxLength(REKEY_DEPARTURES)),
  }),
  /** New keys of nodes, each under the key of a child (wrap-list.ts); null where none are needed. */
  wraps: z.nullable(bytes(REKEY_WRAPS * WRAP_BYTES)),
  /** The epoch's key under the root's; null when nobody has a place. */
  epoch_key: z.nullable(bytes(WRAPPED_KEY_BYTES)),
  iat: seconds,
};

/**
 * `meeting-rekey+jwt` (PROTOCOL §11): a new epoch of a meeting, by the host's device. `iss` and `sub` are the host;
 * the header's `kid` is its device. A meeting that whoever is in the group may take part in has messages of version 1;
 * one with an admission policy has messages of version 2, whose keys nobody has but by a place in the tree.
 */
export const rekeySchema = z.discriminatedUnion('v', [
  z.strictObject({
    v: z.literal(1),
    ...members,
    /** The sealed key of this epoch, for whoever has no place in the tree, and what it commits to. */
    key_id: id,
    commitment: digest,
  }),
  z.strictObject({
    v: z.literal(2),
    ...members,
    /** Nothing is sealed to the group. */
    key_id: z.null(),
    commitment: z.null(),
    /** sha256 of the `meeting-admission+jwt` in force (admission.ts), by the same device. */
    admission: digest,
  }),
]);

export type Rekey = z.infer<typeof rekeySchema>;
export type Joined = z.infer<typeof joinedSchema>;

/** A rekey message, not yet verified. */
export const rekeyToken = z
  .string()
  .check(z.maxLength(REKEY_LENGTH), z.regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/));

/** Whose message it may be: a device whose endorsement the caller has verified. */
export interface RekeySender {
  readonly iss: string;
  readonly sub: string;
  /** The device's `sig`. */
  readonly key: SignatureKey;
}

/** A message whose signature holds. What it says of the tree is not checked before a member receives it. */
export interface RekeyMessage {
  readonly claims: Rekey;
  /** sha256 of the token: the next message's `prev`. */
  readonly hash: string;
  /** Id of the device that signed it. */
  readonly device: string;
}

/** Signs a rekey message with the host's device. */
export async function signRekey(device: SigningKey, claims: Rekey): Promise<string> {
  return signJws(device, 'meeting-rekey+jwt', claims);
}

/**
 * Verifies that this device of this person signed the message. Throws `rekey_sender`, `claims_invalid` for one that is
 * too long, and what `verifyJws` throws.
 */
export async function verifyRekey(token: string, sender: RekeySender): Promise<RekeyMessage> {
  assertLength(token);
  const device = thumbprint(sender.key);
  const claims = await verifyJws(token, 'meeting-rekey+jwt', rekeySchema, ({ kid }) => {
    if (kid !== device) throw new CountersignError('rekey_sender', 'another device signed this');
    return sender.key;
  });
  if (claims.iss !== sender.iss || claims.sub !== sender.sub) {
    throw new CountersignError('rekey_sender', 'the message names another person than its device');
  }
  assertConsistent(claims);
  return { claims, hash: sha256Base64url(token), device };
}

/**
 * Who claims to have signed this, to find the evidence under which to verify it: attacker-controlled. Throws
 * `jws_malformed`, `jws_type`, `claims_invalid`.
 */
export function claimedRekey(token: string): { claims: Rekey; device: string } {
  assertLength(token);
  const claims = decodeClaims(token, 'meeting-rekey+jwt', rekeySchema);
  return { claims, device: readHeader(token).kid };
}

/** What no tree, whatever stood in it before, can come to. */
function assertConsistent({ epoch, term, prev, levels, change: { joined, left } }: Rekey): void {
  if ((prev === null) !== (epoch === 1) || (prev === null && term !== 1)) {
    throw new CountersignError('claims_invalid', 'only the first message has none before it');
  }
  const leaves = new Set(joined.map(({ leaf }) => leaf));
  const devices = new Set(joined.map(({ device_id }) => device_id));
  if ([...leaves, ...left].some((place) => place >= 2 ** levels)) {
    throw new CountersignError('claims_invalid', 'a leaf lies outside the tree');
  }
  const isDistinct = leaves.size === joined.length && devices.size === joined.length;
  if (!isDistinct || new Set(left).size < left.length) {
    throw new CountersignError('claims_invalid', 'a leaf or a device stands twice');
  }
}

function assertLength(token: string): void {
  if (token.length > REKEY_LENGTH) throw new CountersignError('claims_invalid', 'the message is too long');
}
