import { parseAddress } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { Party } from '../../protocol/groups/party.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import { lookUp } from '../look-up.ts';
import type { ClientParts } from '../own-account.ts';
import { statementOf } from './acting.ts';
import type { KeyRecipient } from './groups.ts';
import { judgeGroup } from './view.ts';

/** To whom is sealed, with the key that this client verified to be theirs just now. */
export interface JudgedRecipient {
  readonly to: Party;
  readonly key: EncryptionKey;
  /** sha256 of the group's newest membership statement, as far as known; null for a person. */
  readonly members: string | null;
}

/** The group viewed, or the person looked up. Throws what does not verify. */
export async function judgeRecipient(parts: ClientParts, recipient: KeyRecipient): Promise<JudgedRecipient> {
  if (typeof recipient !== 'string') {
    const { claims, shown } = await judgeGroup(parts, recipient);
    const { iss, group, key } = claims;
    return { to: { iss, group }, key, members: shown.members_head };
  }
  const { address } = parseAddress(recipient);
  const [answer] = await lookUp(parts, [address]);
  if (answer === undefined) throw new CountersignError('internal');
  return personRecipient(statementOf(answer));
}

export function personRecipient({ iss, sub, keys }: KeyStatement): JudgedRecipient {
  return { to: { iss, sub }, key: keys[0], members: null };
}
