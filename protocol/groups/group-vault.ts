import { labelled } from '../canonical-json.ts';

/**
 * What a group's private content is sealed with as associated data, once for each admin, to their person key: it opens
 * as this group's, of this key version, for this admin only. The content has the form of a person's vault
 * (`encodeVault`): `pre` is g, `sig` the key that signs the group's transform keys.
 */
export function groupVaultContext(vault: {
  iss: string;
  group: string;
  key_version: number;
  /** The admin. */
  sub: string;
}): Uint8Array<ArrayBuffer> {
  const { iss, group, key_version, sub } = vault;
  return labelled('group-vault', { iss, group, key_version, sub });
}
