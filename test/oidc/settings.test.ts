import { describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createOidcConnector } from '../../connectors/identity/oidc/oidc-connector.ts';
import { checkOidcSettings, type OidcSettings } from '../../connectors/identity/oidc/settings.ts';
import { refusal } from './lying-idp-fixture.ts';

const GOOD: OidcSettings = {
  issuer: 'https://idp.acme.example',
  clientId: 'bridge',
  redirectUri: 'https://bridge.acme.example/callback',
  authentication: { method: 'none' },
};
const open = (settings: unknown) => () =>
  createOidcConnector(settings as OidcSettings, { clock: systemClock, fetch });

describe('The settings of an OIDC connection', () => {
  it('have defaults that verify addresses', () => {
    expect(checkOidcSettings(GOOD)).toMatchObject({
      scope: 'openid email profile',
      emailVerified: 'required',
      claims: { subject: 'sub', address: 'email', addressVerified: 'email_verified', name: 'name' },
    });
  });

  it('are refused with all their faults at once', async () => {
    const faulty = { ...GOOD, issuer: 'http://idp.acme.example', scope: 'email', colour: 'red' };
    const { detail } = await refusal('config_invalid', open(faulty));
    expect(detail).toMatch(/issuer: .*scope: .*colour/s);
  });

  it.each([
    ['an issuer with a query', { issuer: 'https://idp.acme.example?tenant=1' }],
    ['a redirect URI with a fragment', { redirectUri: 'https://bridge.acme.example/callback#x' }],
    ['an HMAC for ID tokens', { idTokenAlgorithm: 'HS256' }],
    ['no signature for ID tokens', { idTokenAlgorithm: 'none' }],
    ['an unknown way to authenticate', { authentication: { method: 'client_secret_jwt', secret: 'x' } }],
    [
      'an address claim that email_verified says nothing about',
      { claims: { address: 'preferred_username' } },
    ],
  ])('are refused with %s', async (_what, change) => {
    await refusal('config_invalid', open({ ...GOOD, ...change }));
  });
});
