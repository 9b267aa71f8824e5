import { installApp } from '../stage/install-app.ts';
import { ADA } from '../stage/people.ts';
import { signIn } from '../stage/sign-in.ts';
import type { Step } from '../step.ts';
import { enrolmentFindings } from './enrolment-findings.ts';

export const enrolThroughOidc: Step = {
  name: 'enrol-through-oidc',
  title: 'An Acme account enrols through OpenID Connect',
  story:
    'Ada signs in at Acme’s identity provider as on every morning. Her app makes a key half of its own, the bridge ' +
    'adds a share and proves that it knows no more than that share; the statement “this is Ada’s key” is signed by ' +
    'Ada’s own key, then by the bridge for a day.',
  async run(stage) {
    const app = installApp(stage, stage.acme.get().issuer, 'ada-laptop');
    await signIn(stage, app, ADA);
    const enrolment = await app.client.enrol({ label: 'Ada’s laptop' });
    stage.ada.set(app);
    return enrolmentFindings(stage.acme.get(), enrolment);
  },
};
