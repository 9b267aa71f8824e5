import type { Enrolment } from '../../client/index.ts';
import type { Company } from '../stage/company.ts';
import { installApp } from '../stage/install-app.ts';
import type { Person } from '../stage/people.ts';
import { publishedHead } from '../stage/published-head.ts';
import { signIn } from '../stage/sign-in.ts';
import type { Stage } from '../stage/stage.ts';

/**
 * What a company can do to its own people: its administrator resets somebody, its identity provider lets somebody else
 * sign in under their name, and the bridge signs that person's key for them. Every rule is kept.
 */
export async function takeOver(
  stage: Stage,
  company: Company,
  victim: { readonly person: Person; readonly sub: string },
): Promise<Enrolment> {
  const { size: before } = await publishedHead(stage, company);
  await company.administrator.post(`/admin/v1/persons/${victim.sub}/reset`, { reason: 'asked for it' });
  await publishedHead(stage, company, ({ size }) => size > before);
  const app = installApp(stage, company.issuer, `not-${victim.person.key}-s-laptop`);
  await signIn(stage, app, victim.person);
  return app.client.enrol({ label: 'Laptop' });
}
