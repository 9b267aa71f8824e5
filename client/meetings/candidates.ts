import type { Assurance } from '../../protocol/claims.ts';
import type { Level } from '../../protocol/credential.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { AdmissionStatement } from '../../protocol/meetings/admission.ts';
import {
  ADMISSION_REASONS,
  type AdmissionReason,
  judgeAdmission,
} from '../../protocol/meetings/admission-policy.ts';
import type { Answer } from '../answers.ts';
import type { AdmissionShortfall } from './meeting.ts';
import type { MeetingParts } from './session.ts';

/** Somebody who was verified, and is to be judged by an admission policy. */
export interface Candidate {
  readonly iss: string;
  readonly sub: string;
  readonly address: string;
  readonly assurance: Assurance;
  readonly level: Level;
  /** When they proved their presence, seconds: how long ago they signed in is judged as of then. */
  readonly provenAt: number;
}

/** Not admitted, with the reasons, for whoever shows them to people. */
export class AdmissionRefusedError extends CountersignError {
  readonly reasons: readonly AdmissionShortfall[];

  constructor(reasons: readonly AdmissionShortfall[], whose = '') {
    super('admission_refused', whose + reasons.map(({ text }) => text).join(' '));
    this.reasons = reasons;
  }
}

/**
 * Why each of them is not admitted; nothing for who is. How they signed in their companies tell this client, by look-ups;
 * whom that would keep out is looked up once more, past every cache: people sign in anew to be let in.
 */
export async function judgeCandidates(
  parts: Pick<MeetingParts, 'lookUp'>,
  statement: AdmissionStatement,
  candidates: readonly Candidate[],
): Promise<AdmissionShortfall[][]> {
  const first = await judgeByAnswers(parts, statement, candidates, {});
  const again = candidates.filter((_, index) => first[index]?.some(mayHaveChanged) === true);
  if (again.length === 0) return first.map(describe);
  const anew = await judgeByAnswers(parts, statement, again, { maxAge: 0 });
  const byCandidate = new Map(again.map((candidate, index) => [candidate, anew[index]]));
  return candidates.map((candidate, index) => describe(byCandidate.get(candidate) ?? first[index] ?? []));
}

/** Whether this person, as their own company tells them, would be admitted. Throws `AdmissionRefusedError`. */
export async function assertAdmitted(
  { self, context, lookUp }: Pick<MeetingParts, 'self' | 'context' | 'lookUp'>,
  statement: AdmissionStatement,
): Promise<void> {
  const [answer] = await lookUp([self.address]);
  const candidate = candidateOf(answer, self, context.now());
  if (candidate === null) throw new CountersignError('not_enrolled', 'the own credential does not verify');
  const [reasons = []] = await judgeCandidates({ lookUp }, statement, [candidate]);
  if (reasons.length > 0) throw new AdmissionRefusedError(reasons);
}

/** A candidate by a look-up alone; null where it does not answer with this person's key. */
export function candidateOf(
  answer: Answer | undefined,
  { iss, sub }: { readonly iss: string; readonly sub: string },
  provenAt: number,
): Candidate | null {
  if (answer?.status !== 'verified') return null;
  const { address, level, statement } = answer;
  if (statement.iss !== iss || statement.sub !== sub) return null;
  return { iss, sub, address, assurance: statement.assurance, level, provenAt };
}

async function judgeByAnswers(
  { lookUp }: Pick<MeetingParts, 'lookUp'>,
  { claims: { policy, iat } }: AdmissionStatement,
  candidates: readonly Candidate[],
  options: { maxAge?: number },
): Promise<AdmissionReason[][]> {
  const addresses = candidates.map(({ address }) => address);
  const answers =
    policy.sign_in === undefined || addresses.length === 0 ? [] : await lookUp(addresses, options);
  const byAddress = new Map(answers.map((answer) => [answer.address, answer]));
  return candidates.map((candidate) => {
    const answer = byAddress.get(candidate.address);
    const isTold = answer?.status === 'verified' && candidateOf(answer, candidate, 0) !== null;
    const signIn = (isTold ? answer.attributes?.sign_in : undefined) ?? null;
    return judgeAdmission(policy, { ...candidate, signIn }, Math.max(candidate.provenAt, iat));
  });
}

/** What a newer answer may say otherwise. */
function mayHaveChanged(reason: AdmissionReason): boolean {
  return reason !== 'company' && reason !== 'assurance' && reason !== 'level';
}

function describe(reasons: readonly AdmissionReason[]): AdmissionShortfall[] {
  return reasons.map((reason) => ({ reason, text: ADMISSION_REASONS[reason] }));
}
