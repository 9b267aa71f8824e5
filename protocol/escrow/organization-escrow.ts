import * as z from 'zod/mini';
import { decodeBase64url } from '../base64url.ts';
import { labelled } from '../canonical-json.ts';
import { digest, entityId, id, seconds } from '../claims.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { sha256Base64url } from '../hash.ts';
import { signJws, verifyJws } from '../jws.ts';
import type { KeyStatement } from '../key-statement.ts';
import { type EncryptionKey, thumbprint } from '../public-key.ts';
import type { Escrow } from './escrow-record.ts';
import { recoveryHalvesSchema } from './organization-key.ts';

/**
 * `organization-escrow+jwt`, by the person's `sig`: the content of their vault in two shares, of which each alone is random,
 * each sealed to another half of the organization's recovery key. `sig` vouches for the halves, so that a rotation cannot be
 * led to seal the next content to others.
 */
export const organizationEscrowSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  sub: id,
  key_version: z.int().check(z.nonnegative()),
  halves: recoveryHalvesSchema,
  /** sha256 of the box of each half. */
  boxes: z.tuple([digest, digest]),
  iat: seconds,
});

export type OrganizationEscrow = z.infer<typeof organizationEscrowSchema>;

export async function signOrganizationEscrow(
  person: SigningKey,
  claims: OrganizationEscrow,
): Promise<string> {
  return signJws(person, 'organization-escrow+jwt', claims);
}

type EscrowedPerson = Pick<KeyStatement, 'iss' | 'sub' | 'key_version' | 'keys' | 'escrow'>;

/**
 * Verifies a record under a verified statement: this person's, of this key version, by their `sig`, where the statement
 * tells everybody that the organization can recover. Throws `escrow_mismatch` and what `verifyJws` throws.
 */
export async function verifyOrganizationEscrow(
  token: string,
  person: EscrowedPerson,
): Promise<OrganizationEscrow> {
  if (person.escrow !== 'organization') refuse('the statement declares another escrow');
  const sig = person.keys[1];
  const claims = await verifyJws(token, 'organization-escrow+jwt', organizationEscrowSchema, ({ kid }) => {
    if (kid !== thumbprint(sig)) refuse('it is not by the current key');
    return sig;
  });
  const fits =
    claims.iss === person.iss && claims.sub === person.sub && claims.key_version === person.key_version;
  if (!fits) refuse('it is of another person or key version');
  return claims;
}

/** The bytes of both boxes, if they are the ones that the record names. Throws `escrow_mismatch`. */
export function organizationBoxes(
  { boxes }: Pick<OrganizationEscrow, 'boxes'>,
  { box, second_box }: Escrow,
): [Uint8Array, Uint8Array] {
  if (second_box === undefined) refuse('a box is missing');
  const [first, second] = [decodeBase64url(box), decodeBase64url(second_box)];
  if (sha256Base64url(first) !== boxes[0] || sha256Base64url(second) !== boxes[1])
    refuse('it is another box');
  return [first, second];
}

/** Whose share it is. With the address, so that an officer who opens it knows that it is of whom they were told. */
export interface SharedPerson {
  readonly iss: string;
  readonly sub: string;
  readonly address: string;
  readonly key_version: number;
}

/** What a share is sealed to a half with. */
export function escrowShareContext(
  { iss, sub, address, key_version }: SharedPerson,
  half: EncryptionKey,
): Uint8Array<ArrayBuffer> {
  return labelled('escrow-share', { iss, sub, address, key_version, half: thumbprint(half) });
}

/** What a share is sealed to the asking device with: for this recovery and this device alone. */
export function releasedShareContext(
  { iss, sub, address, key_version }: SharedPerson,
  half: EncryptionKey,
  { id, fingerprint }: { readonly id: string; readonly fingerprint: string },
): Uint8Array<ArrayBuffer> {
  return labelled('released-share', {
    ...{ iss, sub, address, key_version, half: thumbprint(half) },
    ...{ recovery: id, device: fingerprint },
  });
}

/** Two shares of which neither alone tells anything but the length. */
export function splitSecret(secret: Uint8Array): [Uint8Array, Uint8Array] {
  const random = crypto.getRandomValues(new Uint8Array(secret.length));
  return [random, xor(secret, random)];
}

/** Throws `escrow_mismatch` for shares that do not belong together. */
export function joinShares(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length !== second.length) refuse('the shares do not belong together');
  return xor(first, second);
}

function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, index) => byte ^ (right[index] ?? 0));
}

function refuse(why: string): never {
  throw new CountersignError('escrow_mismatch', why);
}
