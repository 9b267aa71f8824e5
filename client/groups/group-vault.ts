import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { groupVaultSchema } from '../../protocol/groups/api.ts';
import type { GroupAdmin, GroupKey } from '../../protocol/groups/group-key.ts';
import { groupVaultContext } from '../../protocol/groups/group-vault.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import { encodeVault } from '../../protocol/vault.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import { openSealed, sealTo } from '../../recrypt/sealed-box.ts';
import type { ClientContext, Device } from '../context.ts';
import type { ClientParts } from '../own-account.ts';
import { provenSigningKey, readVault } from '../own-vault.ts';
import { type PersonKeys, personKeys } from '../person-keys.ts';

/** A group's private halves have the form of a person's: g, and the key that signs the group's transform keys. */
export type GroupKeys = PersonKeys;

/** An admin, with the key that this client verified to be theirs: what a bridge says that it is counts for nothing. */
export interface JudgedAdmin extends GroupAdmin {
  /** U′. */
  readonly key: EncryptionKey;
  readonly keyVersion: number;
}

/** A box of the admin's is transformed once: person to device. */
const HOPS = 1;

/**
 * Fetches and opens the private halves of a group whose newest key this is. The caller drops them.
 *
 * Anybody can seal to a public key, so the signing key must be the private half of the group key's `signer`, which no
 * bridge has. g cannot be held against G′ without the bridge's share; a wrong one leads nowhere. Throws
 * `vault_mismatch`, `recrypt_decrypt_failed`.
 */
export async function openGroupVault(
  { context, api }: ClientParts,
  device: Device,
  { iss, group, key_version, signer }: GroupKey,
  sub: string,
): Promise<GroupKeys> {
  const answer = await api.get(`/v1/groups/${group}/vault`, groupVaultSchema);
  if (answer.key_version !== key_version) {
    throw new CountersignError('vault_mismatch', 'the vault is for another version of the group’s key');
  }
  const sealedFor = groupVaultContext({ iss, group, key_version, sub });
  const opened = await openSealed(context.engine, device.pre, decodeBase64url(answer.vault), sealedFor, HOPS);
  const content = readVault(opened);
  opened.fill(0);
  const sig = await provenSigningKey(content, signer);
  return personKeys(sig, { ...content, sig: { ...sig.publicKey, d: content.sig.d } });
}

/** The private halves, sealed to each admin in this order. */
export async function sealGroupVaults(
  { engine }: ClientContext,
  keys: GroupKeys,
  group: Pick<GroupKey, 'iss' | 'group' | 'key_version'>,
  admins: readonly JudgedAdmin[],
): Promise<{ sub: string; bytes: Uint8Array; vault: string }[]> {
  const plaintext = encodeVault(keys.vault);
  const { iss, group: id, key_version } = group;
  const vaults = [];
  for (const { sub, key } of admins) {
    const sealedFor = groupVaultContext({ iss, group: id, key_version, sub });
    const bytes = await sealTo(engine, preFromJwk(engine, key), plaintext, sealedFor);
    vaults.push({ sub, bytes, vault: encodeBase64url(bytes) });
  }
  plaintext.fill(0);
  return vaults;
}
