import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { createClientApp, signInWith } from './client-app.ts';
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
});
