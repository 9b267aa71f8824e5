import type { GroupKeyReceipt } from '../../protocol/groups/group-key-receipt.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { GROUP_KEY_RECEIPT_LIFE_S } from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';
import type { StoredGroupToken } from './group-store.ts';

/** A token of which it is known when it was stored. */
export type ReceivedToken = Pick<StoredGroupToken, 'group_id' | 'hash' | 'sub' | 'device_id'> & {
  readonly stored: number;
};

/** `group-key-receipt+jwt` for each. Throws `unavailable` while the online keys have run out. */
export function signKeyReceipts(
  { signer, clock }: { readonly signer: Signer; readonly clock: Clock },
  tokens: readonly ReceivedToken[],
): Promise<string[]> {
  const iat = seconds(clock);
  return Promise.all(
    tokens.map(({ group_id, hash, device_id, stored }) => {
      const receipt: GroupKeyReceipt = {
        ...{ v: 1, iss: signer.iss, group: group_id, token: hash, device_id },
        ...{ stored, iat, exp: iat + GROUP_KEY_RECEIPT_LIFE_S },
      };
      return signer.sign('statement', 'group-key-receipt+jwt', receipt);
    }),
  );
}
