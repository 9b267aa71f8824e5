import { decodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { isGroupMember, type Member } from '../../protocol/groups/membership.ts';
import { type EncryptionKey, thumbprint } from '../../protocol/public-key.ts';
import { decodeTransformKey, encodeTransformKey, preToJwk } from '../../recrypt/encoding.ts';
import type { PrePrivateKey, TransformEngine } from '../../recrypt/transform-engine.ts';
import type { Reader } from '../directory/handle.ts';
import { findPersonKeys } from '../directory/person-keys.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { findPartner } from '../federation/partner-store.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { findGroup, type Group } from './group-store.ts';

/** A transform key g→member as an admin sends it, and what it must be. */
export interface OfferedMemberKey {
  readonly encoded: Uint8Array;
  /** sha256 of it, as the admin's device signed. */
  readonly hash: string;
  /** The group to which the key belongs. */
  readonly group: Pick<Group, 'signer'>;
  /** The bridge's share of the group's key. */
  readonly share: PrePrivateKey;
}

/**
 * Refuses a transform key that is not the signed one, or not by the group's own signer; answers where it leads, and
 * the key augmented with the bridge's share, so that it serves what is encrypted to G′. The library holds the signature
 * against its key only when it transforms, so what is refused there was signed by nobody.
 *
 * Throws `transform_key_mismatch`, `recrypt_input_invalid`.
 */
export function augmentedMemberKey(
  engine: TransformEngine,
  { encoded, hash, group, share }: OfferedMemberKey,
): { readonly target: EncryptionKey; readonly augmented: Uint8Array } {
  if (sha256Base64url(encoded) !== hash) {
    throw new CountersignError('transform_key_mismatch', 'another transform key was signed');
  }
  const key = decodeTransformKey(encoded);
  if (!equalBytes(key.publicSigningKey, decodeBase64url(group.signer.x, 32))) {
    throw new CountersignError('transform_key_mismatch', 'the transform key is not by the group’s signer');
  }
  engine.validatePublicKey(key.toPublicKey);
  const augmented = encodeTransformKey(engine.augmentTransformKey(key, share));
  return { target: preToJwk(key.toPublicKey), augmented };
}

/**
 * Holds the key that a transform key leads to against what is known of the member: one of our people by their current
 * key, a group by its id, and whoever is elsewhere by an approved partner, whose bridge will hold it against its own
 * records. Throws `person_unknown`, `person_closed`, `not_enrolled`, `membership_stale`, `group_unknown`,
 * `group_ended`, `transform_key_mismatch`, `partner_unknown`, `partner_suspended`, `claims_invalid`.
 */
export async function assertTarget(
  reader: Reader,
  iss: string,
  container: Pick<Group, 'kind'>,
  member: Member,
  target: EncryptionKey,
): Promise<void> {
  if (member.iss !== iss) await requirePartner(reader, member.iss);
  if (isGroupMember(member)) {
    if (container.kind !== 'meeting') {
      throw new CountersignError('claims_invalid', 'only meetings have groups as members');
    }
    if (thumbprint(target) !== member.group) throw leadsElsewhere();
    await assertGroupVersion(reader, iss, member);
  } else if (member.iss === iss) {
    await requireActivePerson(reader, member.sub);
    const keys = await findPersonKeys(reader, member.sub);
    if (keys === undefined) throw new CountersignError('not_enrolled', 'They have no key now.');
    if (keys.key_version !== member.key_version) throw new CountersignError('membership_stale');
    if (thumbprint(target) !== thumbprint(keys.keys[0])) throw leadsElsewhere();
  }
}

/** A group that is kept here is a durable one, at its current version; under a foreign name it does not count. */
async function assertGroupVersion(
  reader: Reader,
  iss: string,
  member: { readonly iss: string; readonly group: string; readonly key_version: number },
): Promise<void> {
  const group = await findGroup(reader, member.group);
  if ((group !== undefined) !== (member.iss === iss)) throw new CountersignError('group_unknown');
  if (group === undefined) return;
  if (group.status === 'ended') throw new CountersignError('group_ended');
  if (group.kind !== 'durable')
    throw new CountersignError('claims_invalid', 'only durable groups are members');
  if (group.key_version !== member.key_version) throw new CountersignError('membership_stale');
}

async function requirePartner(reader: Reader, iss: string): Promise<void> {
  const partner = await findPartner(reader, iss);
  if (partner === undefined || partner.status === 'removed') throw new CountersignError('partner_unknown');
  if (partner.status !== 'active') throw new CountersignError('partner_suspended');
}

function leadsElsewhere(): CountersignError {
  return new CountersignError('transform_key_mismatch', 'the transform key leads to another key');
}
