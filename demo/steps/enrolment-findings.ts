import type { Enrolment } from '../../client/index.ts';
import { thumbprint } from '../../protocol/index.ts';
import { type Finding, finding, must } from '../finding.ts';
import type { Company } from '../stage/company.ts';
import { fetchEvents } from '../stage/fetch-events.ts';

/** What an enrolment made, as evidence. */
export async function enrolmentFindings(
  company: Company,
  { verified, credential }: Enrolment,
): Promise<Finding[]> {
  const { statement } = verified;
  const [pre, sig] = statement.keys;
  return [
    finding('signed in', await describeSignIn(company, statement.sub)),
    finding(statement.address, `sub ${statement.sub}, ${statement.assurance}, version ${statement.version}`),
    finding('encryption key', thumbprint(pre)),
    finding('signature key', thumbprint(sig)),
    finding('key statement', verified.statementHash),
    finding('signed binding', credential.binding),
  ];
}

/** How the bridge says that the person signed in. */
async function describeSignIn(company: Company, sub: string): Promise<string> {
  const event = (await fetchEvents(company)).findLast(
    ({ type, subject }) => type === 'sign_in.succeeded' && subject.sub === sub,
  );
  const protocol = event?.data.protocol;
  must(protocol === company.protocol, `the sign-in was by ${protocol}`);
  return `at ${company.identityProvider.origin}, by ${company.identityProvider.description}`;
}
