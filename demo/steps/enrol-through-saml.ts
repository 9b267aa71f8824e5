import { finding, must } from '../finding.ts';
import type { App } from '../stage/app.ts';
import { installApp } from '../stage/install-app.ts';
import { GWEN, HAL, type Person } from '../stage/people.ts';
import { signIn } from '../stage/sign-in.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';
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
    const globex = stage.globex.get();
    const acs = `${globex.issuer}/saml/${globex.connection}/acs`;
    const posted = stage.postedForms.last(acs, 'SAMLResponse');
    must(posted !== undefined, 'no SAML response was posted');
    return [
      ...(await enrolmentFindings(globex, gwen.enrolment)),
      finding('SAML response', describeResponse(posted.SAMLResponse ?? '')),
      finding(HAL.address, `sub ${hal.enrolment.verified.statement.sub}`),
    ];
  },
};

async function enrol(stage: Stage, person: Person) {
  const app: App = installApp(stage, stage.globex.get().issuer, `${person.key}-laptop`);
  await signIn(stage, app, person);
  return { app, enrolment: await app.client.enrol({ label: `${person.name}’s laptop` }) };
}

/** Shows that nothing readable of the person passes through the browser. */
function describeResponse(field: string): string {
  const xml = Buffer.from(field, 'base64').toString('utf8');
  const encrypted = xml.includes('EncryptedAssertion') && !xml.includes(HAL.address);
  must(encrypted, 'the SAML response is not encrypted');
  return `${field.length} characters, the assertion encrypted: no address in it is readable`;
}
