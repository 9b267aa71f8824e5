import type { PrePrivateKey } from '../../recrypt/transform-engine.ts';
import type { Signer } from '../signer/signer.ts';
import type { GroupMember } from './member-store.ts';

/** Which transform key it is; all of it is part of what it is sealed with. */
export type MemberKeyName = Pick<
  GroupMember,
  'group_id' | 'kind' | 'iss' | 'member_id' | 'key_version' | 'group_key_version'
>;

export function sealMemberKey(signer: Signer, name: MemberKeyName, encoded: Uint8Array): Promise<Uint8Array> {
  return signer.seal(memberKeyContext(name), encoded);
}

/** The encoded transform key. Throws `seal_broken` for one that was sealed for another group, member or key version. */
export function openMemberKey(signer: Signer, name: MemberKeyName, sealed: Uint8Array): Promise<Uint8Array> {
  return signer.open(memberKeyContext(name), sealed);
}

export function sealGroupShare(
  signer: Signer,
  name: { group: string; keyVersion: number },
  share: PrePrivateKey,
): Promise<Uint8Array> {
  return signer.seal(groupShareContext(name), share);
}

/** Throws `seal_broken` for one that was sealed for another group or key version. */
export function openGroupShare(
  signer: Signer,
  name: { group: string; keyVersion: number },
  sealed: Uint8Array,
): Promise<PrePrivateKey> {
  return signer.open(groupShareContext(name), sealed);
}

/** What a stored transform key is sealed in. */
export function memberKeyContext(name: MemberKeyName) {
  const { group_id, kind, iss, member_id, key_version, group_key_version } = name;
  return {
    kind: 'group-transform-key',
    group: group_id,
    group_key_version,
    member_kind: kind,
    member_iss: iss,
    member: member_id,
    member_key_version: key_version,
  };
}

/** What a stored share is sealed in. */
export function groupShareContext({ group, keyVersion }: { group: string; keyVersion: number }) {
  return { kind: 'group-share', group, key_version: keyVersion };
}
