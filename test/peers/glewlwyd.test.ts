import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NamedFetch } from '../fakes/named-fetch.ts';
import { describeWithPeer } from './describe-with-peer.ts';
import { GLEWLWYD_HOST, startGlewlwyd } from './glewlwyd.ts';
import { completeOidc, connectOidc, makeRelyingParty, visitOidc } from './oidc-sign-in.ts';
import type { OidcPeer } from './peer.ts';
import { makeTlsIdentity, peerFetch } from './peer-network.ts';

await describeWithPeer('glewlwyd', 'OpenID Connect at Glewlwyd (EdDSA)', () => {
  let peer: OidcPeer;
  let network: NamedFetch;

  beforeAll(async () => {
    const tls = await makeTlsIdentity(GLEWLWYD_HOST);
    network = peerFetch(GLEWLWYD_HOST, tls.ca);
    peer = await startGlewlwyd({ tls, relyingParty: makeRelyingParty() });
  });

  afterAll(async () => {
    await network?.close();
    await peer?.stop();
  });

  it('signs a person in', async () => {
    const visit = await visitOidc(peer, network.fetch);
    const identity = await completeOidc(visit);
    expect(identity).toMatchObject({
      issuer: peer.issuer,
      addresses: [peer.account.address],
      name: peer.account.name,
      assertionId: null,
      // Glewlwyd sends `auth_time: 0`, which says nothing.
      signIn: { protocol: 'oidc', amr: ['session'], authTime: null },
    });
    expect(JSON.parse(Buffer.from(identity.evidence.split('.')[0] ?? '', 'base64url').toString()).alg).toBe(
      'EdDSA',
    );
  });

  it('knows a person again by the same subject', async () => {
    const first = await completeOidc(await visitOidc(peer, network.fetch));
    const second = await completeOidc(await visitOidc(peer, network.fetch));
    expect(second.subject).toBe(first.subject);
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

  it('refuses an answer to another sign-in', async () => {
    const [mine, other] = [await visitOidc(peer, network.fetch), await visitOidc(peer, network.fetch)];
    await expect(completeOidc({ ...mine, page: other.page })).rejects.toMatchObject({ code: 'oidc_state' });
  });

  it('refuses a code that is carried into another sign-in', async () => {
    const [mine, other] = [await visitOidc(peer, network.fetch), await visitOidc(peer, network.fetch)];
    const url = new URL(mine.page.url);
    url.searchParams.set('code', new URL(other.page.url).searchParams.get('code') ?? '');
    await expect(completeOidc({ ...mine, page: { ...mine.page, url: url.href } })).rejects.toMatchObject({
      code: 'oidc_token_endpoint',
    });
  });

  it('refuses a wrong client secret', async () => {
    const settings = { authentication: { method: 'client_secret_post', secret: 'wrong' } } as const;
    const visit = await visitOidc(peer, network.fetch, { settings });
    await expect(completeOidc(visit)).rejects.toMatchObject({ code: 'oidc_token_endpoint' });
  });

  it('refuses another signature algorithm than the configured one', async () => {
    const visit = await visitOidc(peer, network.fetch, { settings: { idTokenAlgorithm: 'ES256' } });
    await expect(completeOidc(visit)).rejects.toMatchObject({ code: 'oidc_algorithm' });
  });

  it('refuses the address where the connection demands that it was verified', async () => {
    const visit = await visitOidc(peer, network.fetch, { settings: { emailVerified: 'required' } });
    await expect(completeOidc(visit)).rejects.toMatchObject({ code: 'oidc_email_unverified' });
  });
});
