import { type App, installApp, signIn } from '../stage/app.ts';
import { GWEN, HAL, type Person } from '../stage/people.ts';
import type { Stage } from '../stage/stage.ts';
import { finding, must, type Step } from '../step.ts';
import { enrolmentFindings } from './enrolment-findings.ts';

export const enrolThroughSaml: Step = {
  name: 'enrol-through-saml',
  title: 'A Globex account enrols through SAML',
  story:
    'Gwen signs in at Globex, which speaks SAML: the assertion comes encrypted, and only what is signed in it counts. ' +
    'The rest is the same as at Acme. Her colleague Hal enrols too; the attacks below are aimed at him.',
  async run(stage) {
    const gwen = await enrol(stage, GWEN);
    const hal = await enrol(stage, HAL);
    stage.gwen.set(gwen.app);
    stage.hal.set(hal.app);
    const { issuer, connection } = stage.globex.get();
    const posted = stage.postedForms.last(`${issuer}/saml/${connection}/acs`, 'SAMLResponse');
    must(posted !== undefined, 'no SAML response was posted');
    return [
      finding('SAML response', `${posted.SAMLResponse}`),
      ...enrolmentFindings(gwen.enrolment),
      finding(HAL.address, `sub ${hal.enrolment.verified.statement.sub}`),
    ];
  },
};

async function enrol(stage: Stage, person: Person) {
  const app: App = installApp(stage, stage.globex.get().issuer, `${person.key}-laptop`);
  await signIn(stage, app, person);
  return { app, enrolment: await app.client.enrol({ label: `${person.name}’s laptop` }) };
}
