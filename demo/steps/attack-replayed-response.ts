import type { SignInTrace } from '../../bridge/identity/sign-in.ts';
import { createHeadlessBrowser, type Page } from '../../test/fakes/headless-browser.ts';
import { finding, must } from '../finding.ts';
import type { Company } from '../stage/company.ts';
import { installApp } from '../stage/install-app.ts';
import { HAL } from '../stage/people.ts';
import { signIn } from '../stage/sign-in.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

export const attackReplayedResponse: Step = {
  name: 'attack-replayed-response',
  title: 'Attack: a recorded SAML response is sent again',
  story:
    'Hal signs in on his tablet, and something in its browser records the response: genuine, still valid, encrypted ' +
    'and signed by Globex’s identity provider. The attacker posts it once more, and then into a sign-in of their own. The browser is told nothing but a trace id; the administrator looks up why.',
  async run(stage) {
    const globex = stage.globex.get();
    const acs = `${globex.issuer}/saml/${globex.connection}/acs`;
    await signIn(stage, installApp(stage, globex.issuer, 'hal-tablet'), HAL);
    const recorded = stage.postedForms.last(acs, 'SAMLResponse');
    must(recorded !== undefined, 'no SAML response was recorded');

    const again = await refusalOf(globex, await post(stage, acs, recorded));
    must(again.code === 'replayed', `the replay was refused as ${again.code}`);
    const relayState = await beginSignIn(stage, globex);
    const injected = await refusalOf(globex, await post(stage, acs, { ...recorded, RelayState: relayState }));
    must(injected.code === 'saml_in_response_to', `the injection was refused as ${injected.code}`);
    return [
      finding('recorded', `${recorded.SAMLResponse}`),
      finding('posted again', `${again.code} (status ${again.status}, trace ${again.traceId})`),
      finding(
        'in another sign-in',
        `${injected.code} (status ${injected.status}, trace ${injected.traceId})`,
      ),
      finding('what the browser sees', `“${again.shown}” ${again.traceId}`),
    ];
  },
};

/** A cross-site POST from a browser that has none of Hal's cookies. */
function post(stage: Stage, url: string, fields: Readonly<Record<string, string>>): Promise<Page> {
  const browser = createHeadlessBrowser({ fetch: stage.fetch });
  const form = { method: 'POST', action: url, fields, submitsItself: true } as const;
  const origin = 'https://attacker.invalid/';
  const page = { url: origin, status: 200, html: '', forms: [form], stopped: false, posted: null };
  return browser.submit(page, form);
}

/** The attacker's own sign-in, up to the door of the identity provider: answers its RelayState. */
async function beginSignIn(stage: Stage, globex: Company): Promise<string> {
  const browser = createHeadlessBrowser({ fetch: stage.fetch, stopAt: [globex.identityProvider.origin] });
  const app = installApp(stage, globex.issuer, 'attacker');
  const { url } = await app.client.beginSignIn({
    redirectUri: 'http://127.0.0.1:1/callback',
    loginHint: HAL.address,
  });
  let page = await browser.open(url);
  const [form] = page.forms;
  if (!page.stopped && form !== undefined) page = await browser.submit(page, form);
  const relayState = new URL(page.url).searchParams.get('RelayState');
  must(page.stopped && relayState !== null, `the sign-in began at ${page.url}`);
  return relayState;
}

/** The code behind a refused page, as the administrator finds it under the trace id. */
async function refusalOf(globex: Company, page: Page) {
  must(page.status >= 400, `the response was taken (${page.status} at ${page.url})`);
  const traceId = /\b([0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4})+)\b/.exec(page.html)?.[1];
  must(traceId !== undefined, 'the page shows no trace id');
  const { code } = await globex.administrator.get<SignInTrace>(`/admin/v1/traces/${traceId}`);
  return { code, traceId, status: page.status, shown: textOf(page.html) };
}

/** What the page says to the person. */
function textOf(markup: string): string {
  const said = /<p role="alert">([\s\S]*?)<\/p>/.exec(markup)?.[1] ?? '';
  return said.replace(/\s+/g, ' ').trim();
}
