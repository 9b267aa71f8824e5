import type { GroupKey } from '../../protocol/groups/group-key.ts';
import type { Holder } from '../binding/holder.ts';
import { seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import type { Transaction } from '../storage/database.ts';
import { insertEvidence, type StoredEvidence } from './evidence-store.ts';
import { insertGroupToken } from './group-store.ts';
import { evidenceToKeep } from './kept-evidence.ts';
import type { GroupDeps } from './services.ts';
import type { FindSignerEvidence } from './signer-evidence.ts';

/** A `group-key+jwt` with what will show by whom it is, once its device is gone. */
export interface ReceivedKey {
  readonly who: Holder;
  readonly claims: GroupKey;
  readonly token: string;
  readonly stored: number;
  /** Null where what is stored serves. */
  readonly evidence: StoredEvidence | null;
}

/** Makes the evidence before the transaction is opened, which looks at the device once more. */
export async function receiveKey(
  { database, clock }: GroupDeps,
  find: FindSignerEvidence,
  { who, claims, token }: Pick<ReceivedKey, 'who' | 'claims' | 'token'>,
): Promise<ReceivedKey> {
  const stored = seconds(clock);
  const evidence = await evidenceToKeep({ database, find }, who, claims.group, stored);
  return { who, claims, token, stored, evidence };
}

/** Stores a key whose device is still its person’s, as the transaction has it. */
export async function storeReceivedKey(
  transaction: Transaction,
  { who, claims, token, stored, evidence }: ReceivedKey,
  admins: readonly { readonly sub: string }[],
): Promise<void> {
  const { group, seq } = claims;
  const row = {
    ...{ group_id: group, seq, hash: sha256Base64url(token), token },
    ...{ sub: who.sub, device_id: who.deviceId, stored },
  };
  await insertGroupToken(transaction, row, admins);
  if (evidence !== null) await insertEvidence(transaction, evidence);
}
