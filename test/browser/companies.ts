import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { installApp } from '../../demo/stage/install-app.ts';
import { HAL, type Person } from '../../demo/stage/people.ts';
import { signIn } from '../../demo/stage/sign-in.ts';
import { type Stage, setStage } from '../../demo/stage/stage.ts';
import { approvePartners } from '../../demo/steps/approve-partners.ts';
import { connectSingleSignOn } from '../../demo/steps/connect-single-sign-on.ts';
import { proveDomains } from '../../demo/steps/prove-domains.ts';
import { startBridges } from '../../demo/steps/start-bridges.ts';
import { type Browsers, createBrowsers } from './chromium.ts';
import { startPageServer } from './page-server.ts';

const APP_HOST = 'app.localhost';
/** Serves the same page, but no bridge knows it. */
const STRANGE_HOST = 'elsewhere.localhost';

/** Two companies with real bridges, a web app of both, and a colleague at Globex who is enrolled. */
export interface Companies {
  readonly stage: Stage;
  readonly browsers: Browsers;
  /** The page as somebody of this company has it open. */
  pageUrl(person: Person): string;
  strangePageUrl(person: Person): string;
  close(): Promise<void>;
}

export async function startCompanies(): Promise<Companies> {
  const stage = await setStage(new AbortController().signal);
  for (const step of [startBridges, connectSingleSignOn, proveDomains, approvePartners]) {
    await step.run(stage);
  }
  const issuers = { acme: stage.acme.get().issuer, globex: stage.globex.get().issuer };
  const tls = await stage.ca.issue([APP_HOST, STRANGE_HOST]);
  const server = await startPageServer(tls, Object.values(issuers));
  stage.onClose(() => server.close());
  const origin = `https://${APP_HOST}:${server.port}`;
  for (const company of [stage.acme.get(), stage.globex.get()]) {
    await company.administrator.post('/admin/v1/apps', {
      id: 'web-app',
      name: 'Web app',
      redirectUris: [`${origin}/callback`],
      corsOrigins: [origin],
    });
  }
  await enrolHal(stage);
  const urlAt = (base: string, { company }: Person) =>
    `${base}/?bridge=${encodeURIComponent(issuers[company.key])}`;
  return {
    stage,
    browsers: await createBrowsers(join(stage.folder, 'browsers'), stage.caFile),
    pageUrl: (person) => urlAt(origin, person),
    strangePageUrl: (person) => urlAt(`https://${STRANGE_HOST}:${server.port}`, person),
    close: () => stage.close(),
  };
}

async function enrolHal(stage: Stage): Promise<void> {
  const app = installApp(stage, stage.globex.get().issuer, 'hal-laptop');
  await signIn(stage, app, HAL);
  await app.client.enrol({ label: 'Hal’s laptop' });
  stage.hal.set(app);
}

/** Fills in what the bridge and the identity provider ask, in whichever order. */
export async function walkThroughSignIn(page: Page, person: Person): Promise<void> {
  const password = page.locator('input[name="password"]');
  const address = page.locator('input:not([type="hidden"]):not([name="username"]):not([name="password"])');
  await password.or(address).first().waitFor();
  if ((await password.count()) === 0) {
    await address.first().fill(person.address);
    await address.first().press('Enter');
  }
  await page.locator('input[name="username"]').fill(person.key);
  await password.fill(person.password);
  await password.press('Enter');
}
