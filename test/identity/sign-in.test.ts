import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { createClientApp, signInWith } from './client-app.ts';
import { expectRefused } from './expect-refused.ts';
import { ALICE, REDIRECT_URI, ROSA, type SignInFixture, signInFixture } from './sign-in-fixture.ts';

let bridge: SignInFixture;

beforeAll(async () => {
  bridge = await signInFixture();
  await bridge.addDomain('acme.example');
  await bridge.addDomain('globex.example');
  await bridge.connectOidc(['acme.example']);
  await bridge.connectSaml(['globex.example']);
  await bridge.apps.register({ id: 'meet', name: 'Acme Meet', redirectUris: [REDIRECT_URI] }, SYSTEM);
});

afterAll(() => bridge.remove());

describe('A person', () => {
  it('signs in through OIDC and gets a token bound to the key of the device', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const tokens = await signInWith(app, bridge.browser(), ALICE, ALICE.email);
    expect(tokens.refreshToken).not.toBe('');
    const answer = await app.me(tokens.accessToken);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      deviceId: app.jkt,
      endorsed: false,
      assurance: 'member',
      connectionId: 'acme-oidc',
      signIn: { protocol: 'oidc', amr: ['pwd'] },
    });
  });

  it('signs in through SAML, by a POST from another site that brings no cookie', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const tokens = await signInWith(app, bridge.browser(), ROSA, ROSA.mail);
    const answer = await app.me(tokens.accessToken);
    expect(await answer.json()).toMatchObject({
      connectionId: 'globex-saml',
      signIn: { protocol: 'saml' },
    });
  });

  it('is asked anew by the IdP when the app wants it, and not otherwise', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const browser = bridge.browser();
    await signInWith(app, browser, ALICE, ALICE.email);
    expect((await browser.open((await app.begin(ALICE.email)).url)).stopped).toBe(true);
    const fresh = await app.begin(ALICE.email, { prompt: 'login' });
    const idp = await browser.open(fresh.url);
    expect(idp.stopped).toBe(false);
    const back = await browser.signIn(idp, ALICE.username, ALICE.password);
    const { accessToken } = await fresh.finish(back.url);
    const { signIn } = (await (await app.me(accessToken)).json()) as { signIn: { authTime: number } };
    expect(Math.abs(signIn.authTime - Date.now() / 1000)).toBeLessThan(60);
  });

  it('who cancels at the IdP can go back to the app, which learns that it was refused', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const browser = bridge.browser();
    const idp = await browser.open((await app.begin(ALICE.email)).url);
    const refused = await browser.open(`${idp.url}?cancel`);
    await expectRefused(bridge, refused, 'upstream_refused');
    const back = /href="([^"]+\/cancel)"/.exec(refused.html)?.[1] ?? '';
    const { url, stopped } = await browser.open(`${bridge.issuer}${back}`);
    expect(stopped).toBe(true);
    expect(new URL(url).searchParams.get('error')).toBe('access_denied');
  });

  it('leaves the sequence of events that tells how they came to be known', async () => {
    const events = (await bridge.eventsSoFar()).filter(({ subject }) => subject.connection === 'globex-saml');
    expect(events.map(({ type, actor }) => [type, actor.kind])).toEqual([
      ['connection.created', 'system'],
      ['connection.tested', 'system'],
      ['connection.activated', 'system'],
      ['person.created', 'anonymous'],
      ['address.assigned', 'anonymous'],
      ['sign_in.succeeded', 'person'],
    ]);
  });
});
