import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import {
  assertAdmissionFollows,
  decodeAdmission,
  verifyAdmission,
} from '../../protocol/meetings/admission.ts';
import type { RekeyMessage, RekeySender } from '../../protocol/meetings/rekey-message.ts';
import type { Meeting } from './meeting-store.ts';

/**
 * The admission statement that is in force with this message: the one that came with it, or the one that stands in the
 * records already; null where the message names none. Its form and its signer are checked here so that no meeting goes on
 * with one that every client would refuse; clients check the same again.
 *
 * Throws `admission_withheld` where the statement that is named is not there, `admission_invalid` for one of another form,
 * signer or order, `rekey_mismatch` for a message that drops the policy of its meeting, and what the signature throws.
 */
export async function admissionAfter(
  before: Pick<Meeting, 'admission'>,
  { claims }: RekeyMessage,
  sender: RekeySender,
  shown: string | undefined,
): Promise<string | null> {
  if (claims.v === 1) {
    if (before.admission === null && shown === undefined) return null;
    throw new CountersignError('rekey_mismatch', 'A meeting that has an admission policy keeps one.');
  }
  const token = shown ?? before.admission;
  if (token === null) throw new CountersignError('admission_withheld');
  const { group, term, admission } = claims;
  const statement = await verifyAdmission(token, sender, { group, term, admission });
  if (before.admission !== null && before.admission !== token) {
    const hash = sha256Base64url(before.admission);
    assertAdmissionFollows(statement, { claims: decodeAdmission(before.admission), hash });
  }
  return token;
}
