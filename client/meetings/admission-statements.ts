import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import {
  type AdmissionStatement,
  assertAdmissionFollows,
  signAdmission,
  verifyAdmission,
} from '../../protocol/meetings/admission.ts';
import type { AdmissionPolicy } from '../../protocol/meetings/admission-policy.ts';
import type { SignedMessage } from './senders.ts';
import type { Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/** A statement that this device signed as the host. */
export interface OwnStatement extends AdmissionStatement {
  readonly token: string;
}

/**
 * The statement that this message names, verified: from what came with it, else from the relay; null where it names none.
 * Throws `admission_withheld`, `admission_invalid` and what the signature throws.
 */
export async function statementOf(
  session: Session,
  { claims, sender }: SignedMessage,
  shown: string | undefined,
): Promise<AdmissionStatement | null> {
  if (claims.v === 1) return null;
  const { admission: hash, group, term } = claims;
  const known = session.admission;
  if (known?.hash === hash) return known;
  const isShown = shown !== undefined && sha256Base64url(shown) === hash;
  const token = isShown ? shown : (await untilSent(session, () => session.parts.relay.state())).admission;
  if (token === undefined) throw new CountersignError('admission_withheld');
  const { iss, sub, keys } = sender.device;
  const statement = await verifyAdmission(
    token,
    { iss, sub, key: keys[1] },
    { group, term, admission: hash },
  );
  if (known !== null) assertAdmissionFollows(statement, known);
  return statement;
}

/** Signs the next statement of this meeting as the host of this term. */
export async function signStatement(
  { parts, admission }: Pick<Session, 'parts' | 'admission'>,
  term: number,
  policy: AdmissionPolicy,
): Promise<OwnStatement> {
  const { group, device, self, context } = parts;
  const claims = {
    ...{ v: 1 as const, iss: group.iss, sub: self.sub, group: group.group, term },
    ...{ version: (admission?.claims.version ?? 0) + 1, prev: admission?.hash ?? null },
    ...{ policy, iat: context.now() },
  };
  const token = await signAdmission(device.sig, claims);
  return { claims, token, hash: sha256Base64url(token) };
}
