import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { Recovery, RecoveryCase, RecoverySummary } from '../../protocol/escrow/organization-api.ts';
import { encryptionKeySchema, thumbprint } from '../../protocol/public-key.ts';
import type { Reader } from '../directory/handle.ts';
import { parseKeyPair } from '../directory/person-keys.ts';
import type { Transaction } from '../storage/database.ts';
import type { Case } from './recovery-cases.ts';
import { findRecovery, type StoredRecovery, sharesOf } from './recovery-store.ts';

/** Throws `recovery_unknown`. */
export async function requireRecoveryOf(reader: Reader, id: string): Promise<StoredRecovery> {
  const stored = await findRecovery(reader, id);
  if (stored === undefined) throw new CountersignError('recovery_unknown');
  return stored;
}

/** What nobody answered in time has expired, whether or not that is noted yet. */
export function statusOf({ status, expires }: StoredRecovery, now: number): StoredRecovery['status'] {
  return status === 'pending' && now >= expires ? 'expired' : status;
}

/** Whom its events are about. */
export function subjectOf({ purpose, sub, address, device_id }: StoredRecovery) {
  return purpose === 'reading' ? { sub, address } : { sub, address, device: device_id };
}

/** The public keys of whoever asks. */
export function askingKeys({
  purpose,
  keys,
}: StoredRecovery): Pick<RecoveryCase, 'device_key' | 'device_sig'> {
  if (purpose === 'reading') {
    return { device_key: encryptionKeySchema.parse(JSON.parse(keys)), device_sig: null };
  }
  const [device_key, device_sig] = parseKeyPair(keys);
  return { device_key, device_sig };
}

/**
 * Both shares, as they were sealed to whoever asked, in the order of the halves: in the transaction that has looked whether
 * they are released, and of something that is still there.
 */
export async function releasedShares(
  tx: Transaction,
  stored: StoredRecovery,
  { escrow, claims }: Case,
): Promise<NonNullable<Recovery['released']>> {
  const given = await sharesOf(tx, stored.id);
  const [first, second] = claims.halves.map((key) => given.find(({ half }) => half === thumbprint(key)));
  if (first === undefined || second === undefined) throw new CountersignError('internal');
  return { token: escrow.token, shares: [encodeBase64url(first.share), encodeBase64url(second.share)] };
}

export function summary(stored: StoredRecovery, now: number): RecoverySummary {
  const { id, purpose, sub, address, label, approvals, created, expires } = stored;
  return { id, purpose, sub, address, label, status: statusOf(stored, now), approvals, created, expires };
}
