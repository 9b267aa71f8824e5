import type { LoginCallback } from '../../connectors/identity/connector.ts';
import { createSamlConnector } from '../../connectors/identity/saml/saml-connector.ts';
import { spMetadata } from '../../connectors/identity/saml/sp-metadata.ts';
import { type ConnectorFixture, describeIdentityConnector } from '../contract/identity-connector.ts';
import { createHeadlessBrowser } from '../fakes/headless-browser.ts';
import { createNamedFetch } from '../fakes/named-fetch.ts';
import { createNames } from '../fakes/names.ts';
import { startSamlIdp } from '../fakes/saml-idp/saml-idp.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { ACS, settings } from './fixture.ts';

const HOST = 'idp.globex.example';
const ROSA = {
  ...{ username: 'rosa', password: 'correct horse', nameId: 'p-4711', mail: 'rosa@globex.example' },
  ...{ name: 'Rosa Marin', groups: ['staff'] },
};
const DENIED =
  '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">' +
  '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:RequestDenied"/></samlp:StatusCode>';

async function open(): Promise<ConnectorFixture> {
  const names = createNames();
  names.addHost(HOST, '127.0.0.1');
  const ca = await createThrowawayCa();
  const network = createNamedFetch(names, ca.certificatePem);
  const idp = await startSamlIdp({ tls: await ca.issue([HOST]), idpHost: HOST, people: [ROSA] });
  idp.trust(spMetadata(settings));
  const connector = createSamlConnector(
    { ...settings, idp: { metadata: { url: idp.metadataUrl } } },
    { clock: { now: Date.now }, fetchText: async (url) => (await network.fetch(url)).text() },
  );
  async function signIn(url: string): Promise<LoginCallback> {
    const browser = createHeadlessBrowser({ fetch: network.fetch, stopAt: [ACS] });
    const page = await browser.signIn(await browser.open(url), ROSA.username, ROSA.password);
    return { protocol: 'saml', form: page.posted ?? {} };
  }
  return {
    ...{ connector, issuer: idp.entityId, subject: ROSA.nameId },
    ...{ otherProtocol: 'saml_malformed', otherSignIn: 'saml_in_response_to' },
    signIn,
    async beRefused(url) {
      idp.lie({ statusXml: DENIED });
      const callback = await signIn(url);
      idp.lie({});
      return callback;
    },
    handleIn: (callback) => (callback.protocol === 'saml' ? callback.form.RelayState : undefined),
    async close() {
      await network.close();
      await idp.close();
    },
  };
}

describeIdentityConnector('SAML 2.0', open);
