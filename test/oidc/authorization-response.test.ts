import { describe, expect, it } from 'vitest';
import { followToCallback, refusal, useLyingIdp } from './lying-idp-fixture.ts';

const fixture = useLyingIdp();

describe('The answer that the browser brings is refused', () => {
  it('when its state is of another sign-in', async () => {
    await fixture.refuses('oidc_state', { callback: (back) => back.set('state', 'of-another') });
  });

  it('when it has no state', async () => {
    await fixture.refuses('oidc_state', { callback: (back) => back.delete('state') });
  });

  it('when it lacks the issuer that the IdP announces to send (RFC 9207)', async () => {
    await fixture.refuses('oidc_issuer', { callback: (back) => back.delete('iss') });
  });

  it('when it names another issuer: a mix-up', async () => {
    await fixture.refuses('oidc_issuer', { callback: (back) => back.set('iss', 'https://evil.example') });
  });

  it('when it names another issuer although the IdP never announced to name one', async () => {
    await fixture.refuses('oidc_issuer', {
      discovery: ({ authorization_response_iss_parameter_supported: _left, ...document }) => document,
      callback: (back) => back.set('iss', 'https://evil.example'),
    });
  });

  it.each(['state', 'iss', 'code'])('when it has %s twice', async (name) => {
    await fixture.refuses('upstream_invalid', {
      callback: (back) => back.append(name, back.get(name) ?? ''),
    });
  });

  it('when it has no code', async () => {
    await fixture.refuses('upstream_invalid', { callback: (back) => back.delete('code') });
  });

  it('when it brings tokens of its own (implicit flow)', async () => {
    await fixture.refuses('oidc_algorithm', { callback: (back) => back.set('id_token', 'e30.e30.e30') });
  });

  it('when the IdP says no', async () => {
    const { detail } = await fixture.refuses('upstream_refused', {
      callback: (back) => back.set('error', 'access_denied'),
    });
    expect(detail).toBe('The identity provider answered access_denied.');
  });

  it('as unreachable when the IdP says that it is down', async () => {
    await fixture.refuses('upstream_unreachable', {
      callback: (back) => back.set('error', 'temporarily_unavailable'),
    });
  });

  it('without repeating the words of a hostile error', async () => {
    const { message } = await fixture.refuses('upstream_refused', {
      callback: (back) => {
        back.set('error', '<script>alert(1)</script>');
        back.set('error_description', 'Call +1 555 0100 and tell them your password');
      },
    });
    expect(message).not.toMatch(/script|password/);
  });

  it('for its state first: an error of another sign-in says nothing about this one', async () => {
    await fixture.refuses('oidc_state', {
      callback: (back) => {
        back.set('state', 'of-another');
        back.set('error', 'access_denied');
      },
    });
  });

  it('when it comes a second time: the code is spent', async () => {
    fixture.idp.lie({});
    const connector = fixture.connector();
    const { url, pending } = await connector.begin({ handle: 'handle-1' });
    const callback = { protocol: 'oidc' as const, url: await followToCallback(fixture.network, url) };
    await connector.complete(callback, pending);
    await refusal('oidc_token_endpoint', () => connector.complete(callback, pending));
  });

  it('when its code was issued for another verifier: a stolen code', async () => {
    fixture.idp.lie({});
    const connector = fixture.connector();
    const { url } = await connector.begin({ handle: 'handle-1' });
    const stolen = { protocol: 'oidc' as const, url: await followToCallback(fixture.network, url) };
    const { pending } = await connector.begin({ handle: 'handle-1' });
    await refusal('oidc_token_endpoint', () => connector.complete(stolen, pending));
  });

  it('when the pending sign-in was begun with another issuer, or is not one of ours', async () => {
    fixture.idp.lie({});
    const connector = fixture.connector();
    const { url, pending } = await connector.begin({ handle: 'handle-1' });
    const callback = { protocol: 'oidc' as const, url: await followToCallback(fixture.network, url) };
    await refusal('oidc_state', () =>
      connector.complete(callback, { ...pending, issuer: 'https://evil.example' }),
    );
    await refusal('oidc_state', () => connector.complete(callback, {}));
  });

  it('when it is a SAML answer', async () => {
    fixture.idp.lie({});
    const connector = fixture.connector();
    const { pending } = await connector.begin({ handle: 'handle-1' });
    await refusal('upstream_invalid', () => connector.complete({ protocol: 'saml', form: {} }, pending));
  });
});

describe('The request that the browser carries', () => {
  it('asks for a code with S256, state, nonce, and passes the address on', async () => {
    fixture.idp.lie({});
    const connector = fixture.connector();
    const { url, pending } = await connector.begin({ handle: 'handle-1', loginHint: 'alice@acme.example' });
    const query = Object.fromEntries(new URL(url).searchParams);
    expect(query).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      state: 'handle-1',
      login_hint: 'alice@acme.example',
      scope: 'openid email profile',
      nonce: pending.nonce,
    });
    expect(query).not.toHaveProperty('prompt');
    expect(url).not.toContain(pending.verifier);
  });

  it('leaves out an address of absurd length', async () => {
    fixture.idp.lie({});
    const { url } = await fixture.connector().begin({ handle: 'handle-1', loginHint: 'a'.repeat(5000) });
    expect(new URL(url).searchParams.has('login_hint')).toBe(false);
  });
});
