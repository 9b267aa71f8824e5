import { isCountersignError } from '../../protocol/errors.ts';
import { isGroupMember, type Member } from '../../protocol/groups/membership.ts';
import type { RevocationReceipt } from '../../protocol/revocation-receipt.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Signer } from '../signer/signer.ts';

/** A signed receipt, and the id by which the event of what it tells names it. */
export interface Receipt {
  readonly jti: string;
  /** `revocation-receipt+jwt`. */
  readonly token: string;
}

/** Signs what a restriction did; null while the online keys have run out: a restriction does not wait for them. */
export async function signReceipt(
  { signer, clock }: { readonly signer: Signer; readonly clock: Clock },
  done: Omit<RevocationReceipt, 'iss' | 'jti' | 'iat'>,
): Promise<Receipt | null> {
  const jti = newId();
  const claims = { iss: signer.iss, jti, iat: seconds(clock), ...done };
  try {
    return { jti, token: await signer.sign('statement', 'revocation-receipt+jwt', claims) };
  } catch (error) {
    if (isCountersignError(error, 'unavailable')) return null;
    throw error;
  }
}

/** The receipt of taking a member out of a group. `generation`: the number of the statement. */
export function memberReceipt(
  deps: { readonly signer: Signer; readonly clock: Clock },
  removed: { group: string; member: Member; generation: number; transformKeys: number },
): Promise<Receipt | null> {
  const { group, member, generation, transformKeys } = removed;
  return signReceipt(deps, {
    act: 'member-removed',
    group,
    member: isGroupMember(member)
      ? { iss: member.iss, group: member.group }
      : { iss: member.iss, sub: member.sub },
    ...{ transform_keys: transformKeys, tokens: 0, generation },
  });
}
