import { describe, expect, it } from 'vitest';
import { describeWithPeer } from './describe-with-peer.ts';
import { LEMONLDAP_HOST, startLemonLdap } from './lemonldap.ts';
import { makeRelyingParty } from './oidc-sign-in.ts';
import type { OidcPeer, SamlPeer } from './peer.ts';
import {
  codeBehindLastSignIn,
  type PeerConnection,
  signInThroughPeer,
  wholeBridgeContract,
  withPeerBench,
} from './whole-bridge-contract.ts';
import { wholeBridgeSamlContract } from './whole-bridge-saml.ts';

const saml = (encryptAssertion: boolean): PeerConnection => ({
  protocol: 'saml',
  host: LEMONLDAP_HOST,
  start: ({ tls, spMetadata }) =>
    startLemonLdap({
      tls,
      serviceProviders: [{ metadataXml: spMetadata, encryptAssertion }],
      relyingParty: makeRelyingParty(),
    }),
  settings: (peer) => ({ idp: { metadata: { url: (peer as SamlPeer).metadataUrl } } }),
});

const oidc: PeerConnection = {
  protocol: 'oidc',
  host: LEMONLDAP_HOST,
  start: ({ tls, redirectUri }) =>
    startLemonLdap({
      tls,
      serviceProviders: [],
      relyingParty: { ...makeRelyingParty(), redirectUri },
    }),
  settings(peer) {
    const { issuer, clientId, clientSecret } = peer as OidcPeer;
    const authentication = { method: 'client_secret_post', secret: clientSecret };
    return { issuer, clientId, authentication, emailVerified: 'trusted-domain' };
  },
};

await describeWithPeer('lemonldap', 'A whole bridge behind LemonLDAP::NG', () => {
  describe('by SAML, signed', () => {
    const bench = withPeerBench(saml(false));
    wholeBridgeContract(bench);
    wholeBridgeSamlContract(bench);
  });

  describe('by SAML, encrypted', () => {
    const bench = withPeerBench(saml(true));

    // lasso 2.8 has AES-CBC only, which is refused.
    it('signs nobody in, and says why to the administrator alone', async () => {
      const { bridge } = bench();
      await expect(signInThroughPeer(bench())).rejects.toThrow(`The sign-in ended at ${bridge.issuer}`);
      expect(await codeBehindLastSignIn(bench())).toBe('saml_algorithm');
      const people = await bridge.store.read((query) => query.selectFrom('persons').selectAll().execute());
      expect(people).toEqual([]);
    });
  });

  describe('by OpenID Connect', () => {
    wholeBridgeContract(withPeerBench(oidc));
  });
});
