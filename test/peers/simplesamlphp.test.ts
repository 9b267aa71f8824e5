import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamedFetch } from '../fakes/named-fetch.ts';
import { describeWithPeer } from './describe-with-peer.ts';
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
  withResponse,
} from './saml-sign-in.ts';
import { SIMPLESAMLPHP_HOST, startSimpleSamlPhp } from './simplesamlphp.ts';
import type { DataEncryption } from './simplesamlphp-config.ts';

interface Bench {
  readonly peer: SamlPeer;
  readonly network: NamedFetch;
  readonly signed: SamlConnection;
  readonly encrypted: SamlConnection;
}

async function startBench(dataEncryption: DataEncryption): Promise<Bench> {
  const tls = await makeTlsIdentity(SIMPLESAMLPHP_HOST);
  const [ours, oursEncrypted] = [await makeOurSettings('signed'), await makeOurSettings('encrypted')];
  const network = peerFetch(SIMPLESAMLPHP_HOST, tls.ca);
  const peer = await startSimpleSamlPhp({
    tls,
    serviceProviders: [asServiceProvider(ours, false), asServiceProvider(oursEncrypted, true)],
    dataEncryption,
  });
  return {
    peer,
    network,
    signed: { peer, fetch: network.fetch, settings: ours },
    encrypted: { peer, fetch: network.fetch, settings: oursEncrypted },
  };
}

await describeWithPeer('simplesamlphp', 'SAML at SimpleSAMLphp', () => {
  describe('as released', () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await startBench('aes128-cbc');
    });
    afterAll(async () => {
      await bench?.network.close();
      await bench?.peer.stop();
    });

    samlContract(
      () => bench.signed,
      () => bench.encrypted,
    );

    it('refuses its encrypted assertions, which are AES-CBC', async () => {
      const visit = await visitSaml(bench.encrypted);
      expect(responseXml(visit)).toContain('http://www.w3.org/2001/04/xmlenc#aes128-cbc');
      await expect(completeSaml(visit)).rejects.toMatchObject({ code: 'saml_algorithm' });
    });
  });

  describe('encrypting with AES-GCM', () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await startBench('aes256-gcm');
    });
    afterAll(async () => {
      await bench?.network.close();
      await bench?.peer.stop();
    });

    it('signs a person in', async () => {
      const { peer, encrypted } = bench;
      const visit = await visitSaml(encrypted);
      expect(responseXml(visit)).not.toContain(peer.account.address);
      const identity = await completeSaml(visit);
      expect(identity).toMatchObject({
        issuer: peer.entityId,
        addresses: [peer.account.address],
        name: peer.account.name,
      });
      expect([...identity.groups].sort()).toEqual([...peer.account.groups].sort());
      // What is kept as evidence is the opened assertion.
      expect(identity.evidence).toContain(peer.account.address);
    });

    it('signs a person in where the connection takes encrypted assertions only', async () => {
      const connection = {
        ...bench.encrypted,
        settings: { ...bench.encrypted.settings, wantEncrypted: true },
      };
      const identity = await completeSaml(await visitSaml(connection));
      expect(identity.addresses).toEqual([bench.peer.account.address]);
    });

    it('refuses an assertion in the clear where the connection takes encrypted ones only', async () => {
      const connection = { ...bench.signed, settings: { ...bench.signed.settings, wantEncrypted: true } };
      await expect(completeSaml(await visitSaml(connection))).rejects.toMatchObject({
        code: 'saml_encryption',
      });
    });

    it('refuses a changed ciphertext', async () => {
      const visit = await visitSaml(bench.encrypted);
      const flipped = responseXml(visit).replace(
        /(<\/xenc:EncryptedKey>[\s\S]*<xenc:CipherValue>[^<]{200})(.)/,
        (_, before: string, letter: string) => before + (letter === 'A' ? 'B' : 'A'),
      );
      expect(flipped).not.toBe(responseXml(visit));
      await expect(completeSaml(withResponse(visit, flipped))).rejects.toMatchObject({
        code: 'saml_signature',
      });
    });

    it('refuses an assertion that was encrypted to another key', async () => {
      const visit = await visitSaml(bench.encrypted);
      const { decryption } = await makeOurSettings('other');
      const connection = { ...visit.connection, settings: { ...visit.connection.settings, decryption } };
      await expect(completeSaml({ ...visit, connection })).rejects.toMatchObject({ code: 'saml_encryption' });
    });
  });
});
