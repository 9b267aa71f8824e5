import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NamedFetch } from '../fakes/named-fetch.ts';
import { describeWithPeer } from './describe-with-peer.ts';
import { LEMONLDAP_HOST, startLemonLdap } from './lemonldap.ts';
import { completeOidc, connectOidc, makeRelyingParty, visitOidc } from './oidc-sign-in.ts';
import type { OidcPeer } from './peer.ts';
import { makeTlsIdentity, peerFetch } from './peer-network.ts';

await describeWithPeer('lemonldap', 'OpenID Connect at LemonLDAP::NG', () => {
  let peer: OidcPeer;
  let network: NamedFetch;

  beforeAll(async () => {
    const tls = await makeTlsIdentity(LEMONLDAP_HOST);
    network = peerFetch(LEMONLDAP_HOST, tls.ca);
    peer = await startLemonLdap({ tls, serviceProviders: [], relyingParty: makeRelyingParty() });
  });

  afterAll(async () => {
    await network?.close();
    await peer?.stop();
  });

  it('signs a person in, with groups and the time of the sign-in', async () => {
    const started = Math.floor(Date.now() / 1000);
    const visit = await visitOidc(peer, network.fetch, {
      settings: { scope: 'openid email profile groups', claims: { groups: 'groups' } },
    });
    const identity = await completeOidc(visit);
    expect(identity).toMatchObject({
      issuer: peer.issuer,
      subject: peer.account.username,
      addresses: [peer.account.address],
      name: peer.account.name,
      assertionId: null,
      signIn: { protocol: 'oidc', acr: 'loa-2' },
    });
    expect([...identity.groups].sort()).toEqual(peer.account.groups);
    expect(identity.signIn.authTime).toBeGreaterThanOrEqual(started);
  });

  it('shows a fresh authentication when asked for one', async () => {
    const identity = await completeOidc(await visitOidc(peer, network.fetch, { login: { fresh: true } }));
    expect(identity.subject).toBe(peer.account.username);
  });

  it('finds its key and its issuer in a probe', async () => {
    const probe = await connectOidc(peer, network.fetch).probe();
    expect(probe).toMatchObject({ issuer: peer.issuer, keys: [{ id: 'test-1' }] });
  });

  it('does not sign in with a wrong password', async () => {
    const { page } = await visitOidc(peer, network.fetch, { password: 'wrong' });
    expect(page.stopped).toBe(false);
  });

  it('refuses a code for the second time', async () => {
    const visit = await visitOidc(peer, network.fetch);
    await completeOidc(visit);
    await expect(completeOidc(visit)).rejects.toMatchObject({ code: 'oidc_token_endpoint' });
  });

  it('refuses a code that is carried into another sign-in', async () => {
    const [mine, other] = [await visitOidc(peer, network.fetch), await visitOidc(peer, network.fetch)];
    const url = new URL(mine.page.url);
    url.searchParams.set('code', new URL(other.page.url).searchParams.get('code') ?? '');
    await expect(completeOidc({ ...mine, page: { ...mine.page, url: url.href } })).rejects.toMatchObject({
      code: 'oidc_token_endpoint',
    });
  });

  it('takes the secret by HTTP Basic only as it is, for it does not decode it', async () => {
    const secret = peer.clientSecret;
    const raw = await visitOidc(peer, network.fetch, {
      settings: { authentication: { method: 'client_secret_basic_raw', secret } },
    });
    expect((await completeOidc(raw)).subject).toBe(peer.account.username);
    const encoded = await visitOidc(peer, network.fetch, {
      settings: { authentication: { method: 'client_secret_basic', secret } },
    });
    await expect(completeOidc(encoded)).rejects.toMatchObject({ code: 'oidc_token_endpoint' });
  });

  it('refuses the address where the connection demands that it was verified', async () => {
    const visit = await visitOidc(peer, network.fetch, { settings: { emailVerified: 'required' } });
    await expect(completeOidc(visit)).rejects.toMatchObject({ code: 'oidc_email_unverified' });
  });
});
