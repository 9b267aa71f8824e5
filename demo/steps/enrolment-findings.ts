import type { Enrolment } from '../../client/index.ts';
import { thumbprint } from '../../protocol/index.ts';
import { type Finding, finding } from '../step.ts';

/** What an enrolment made, as evidence. */
export function enrolmentFindings({ verified, credential }: Enrolment): Finding[] {
  const { statement, attributes } = verified;
  const [pre, sig] = statement.keys;
  const signedIn = attributes === null ? [] : [finding('signed in by', JSON.stringify(attributes))];
  return [
    finding(statement.address, `sub ${statement.sub}, ${statement.assurance}, version ${statement.version}`),
    ...signedIn,
    finding('encryption key', thumbprint(pre)),
    finding('signature key', thumbprint(sig)),
    finding('key statement', verified.statementHash),
    finding('signed binding', credential.binding),
  ];
}
