import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NamedFetch } from '../fakes/named-fetch.ts';
import { describeWithPeer } from './describe-with-peer.ts';
import { LEMONLDAP_HOST, startLemonLdap } from './lemonldap.ts';
import { makeRelyingParty } from './oidc-sign-in.ts';
import type { SamlPeer } from './peer.ts';
import { makeTlsIdentity, peerFetch } from './peer-network.ts';
import { samlContract } from './saml-contract.ts';
import {
  asServiceProvider,
  completeSaml,
  makeOurSettings,
  responseXml,
  type SamlConnection,
  visitSaml,
} from './saml-sign-in.ts';

await describeWithPeer('lemonldap', 'SAML at LemonLDAP::NG', () => {
  let peer: SamlPeer;
  let network: NamedFetch;
  let signed: SamlConnection;
  let encrypted: SamlConnection;

  beforeAll(async () => {
    const tls = await makeTlsIdentity(LEMONLDAP_HOST);
    const [ours, oursEncrypted] = [await makeOurSettings('signed'), await makeOurSettings('encrypted')];
    network = peerFetch(LEMONLDAP_HOST, tls.ca);
    peer = await startLemonLdap({
      tls,
      serviceProviders: [asServiceProvider(ours, false), asServiceProvider(oursEncrypted, true)],
      relyingParty: makeRelyingParty(),
    });
    signed = { peer, fetch: network.fetch, settings: ours };
    encrypted = { peer, fetch: network.fetch, settings: oursEncrypted };
  });

  afterAll(async () => {
    await network?.close();
    await peer?.stop();
  });

  samlContract(
    () => signed,
    () => encrypted,
  );

  // lasso 2.8 has AES-CBC only, and CBC lets whoever can ask often enough read the assertion.
  it('refuses its encrypted assertions, which are AES-CBC', async () => {
    const visit = await visitSaml(encrypted);
    expect(responseXml(visit)).toContain('http://www.w3.org/2001/04/xmlenc#aes128-cbc');
    await expect(completeSaml(visit)).rejects.toMatchObject({ code: 'saml_algorithm' });
  });
});
