import { describe, expect, it } from 'vitest';
import { describeWithPeer } from './describe-with-peer.ts';
import type { SamlPeer } from './peer.ts';
import { SIMPLESAMLPHP_HOST, startSimpleSamlPhp } from './simplesamlphp.ts';
import {
  CONNECTION,
  type PeerConnection,
  wholeBridgeContract,
  withPeerBench,
} from './whole-bridge-contract.ts';
import { wholeBridgeSamlContract } from './whole-bridge-saml.ts';

const joined = (encrypted: boolean): PeerConnection => ({
  protocol: 'saml',
  host: SIMPLESAMLPHP_HOST,
  start: ({ tls, spMetadata }) =>
    startSimpleSamlPhp({
      tls,
      serviceProviders: [{ metadataXml: spMetadata, encryptAssertion: encrypted }],
      dataEncryption: encrypted ? 'aes256-gcm' : 'aes128-cbc',
    }),
  settings: (peer) => ({
    idp: { metadata: { url: (peer as SamlPeer).metadataUrl } },
    wantEncrypted: encrypted,
  }),
});

await describeWithPeer('simplesamlphp', 'A whole bridge behind SimpleSAMLphp', () => {
  describe('by SAML, signed', () => {
    const bench = withPeerBench(joined(false));
    wholeBridgeContract(bench);
    wholeBridgeSamlContract(bench);
  });

  describe('by SAML, encrypted with AES-GCM', () => {
    const bench = withPeerBench(joined(true));
    wholeBridgeContract(bench);
    wholeBridgeSamlContract(bench);

    it('lets nothing of the person through the browser in the clear', () => {
      const { bridge, forms, peer } = bench();
      const response = forms.last(`${bridge.issuer}/saml/${CONNECTION}/acs`, 'SAMLResponse')?.SAMLResponse;
      const xml = Buffer.from(response ?? '', 'base64').toString();
      expect(xml).toContain('EncryptedAssertion');
      expect(xml).not.toContain(peer.account.address);
    });
  });
});
