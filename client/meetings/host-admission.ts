import type { AdmissionStatement } from '../../protocol/meetings/admission.ts';
import type { AdmissionPolicy } from '../../protocol/meetings/admission-policy.ts';
import { type OwnStatement, signStatement } from './admission-statements.ts';
import { assertAdmitted, type Candidate, judgeCandidates } from './candidates.ts';
import type { AdmissionShortfall } from './meeting.ts';
import type { Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/** The admission policy of a meeting in one term, as its host keeps it. */
export interface HostAdmission {
  /** The statement that newcomers are judged by: one that is to come into force counts at once. */
  readonly newest: OwnStatement | null;
  /** Whether the newest is not in force yet. */
  readonly isDue: boolean;
  /** Signs another statement. Throws `AdmissionRefusedError` where the host would not satisfy it. */
  change(policy: AdmissionPolicy): Promise<OwnStatement>;
  /** What the next message names: the newest statement once nobody is left whom it keeps out. */
  next(isLast: boolean): OwnStatement | null;
  /** Whether a message that names this one must bring it along. */
  isNew(statement: OwnStatement): boolean;
  /** The message that names it was accepted. */
  commit(statement: OwnStatement): void;
  /** What keeps each of them out; nothing for who is admitted. */
  refusals(candidates: readonly Candidate[]): Promise<AdmissionShortfall[][]>;
}

/**
 * For a term that begins: with this policy, or with the one that was in force before. Each host signs a statement of
 * their own, so that it is verified by the same evidence as their messages.
 */
export async function createHostAdmission(
  session: Session,
  term: number,
  policy = session.admission?.claims.policy,
): Promise<HostAdmission> {
  let current: OwnStatement | null = null;
  let due: OwnStatement | null = null;

  async function change(changed: AdmissionPolicy): Promise<OwnStatement> {
    const statement = await signStatement(session, term, changed);
    await untilSent(session, () => assertAdmitted(session.parts, statement));
    due = statement;
    return statement;
  }

  if (policy !== undefined) await change(policy);
  return {
    get newest() {
      return due ?? current;
    },
    get isDue() {
      return due !== null;
    },
    change,
    next: (isLast) => (isLast ? (due ?? current) : current),
    isNew: ({ hash }) => hash !== current?.hash,
    commit(statement) {
      if (statement.hash === due?.hash) due = null;
      current = statement;
      session.admit(asStatement(statement));
    },
    async refusals(candidates) {
      const statement = due ?? current;
      if (statement === null) return [];
      return untilSent(session, () => judgeCandidates(session.parts, statement, candidates));
    },
  };
}

const asStatement = ({ claims, hash }: OwnStatement): AdmissionStatement => ({ claims, hash });
