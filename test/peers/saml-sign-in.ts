import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../../bridge/lib/clock.ts';
import type { LoginRequest, PendingLogin, UpstreamIdentity } from '../../connectors/identity/connector.ts';
import { createSamlConnector } from '../../connectors/identity/saml/saml-connector.ts';
import type { SamlSettings } from '../../connectors/identity/saml/saml-settings.ts';
import { spMetadata } from '../../connectors/identity/saml/sp-metadata.ts';
import { createHeadlessBrowser, type Page } from '../fakes/headless-browser.ts';
import type { SamlPeer, ServiceProvider } from './peer.ts';
import { getText } from './peer-network.ts';
import { makeRsaCertificate } from './rsa-certificate.ts';

/** Our side of a connection, before the peer is known. */
type OurSettings = Omit<SamlSettings, 'idp'>;

export async function makeOurSettings(name: string): Promise<OurSettings> {
  const { key, cert } = await makeRsaCertificate(`${name}.test`);
  const keys = { current: { privateKey: key, certificate: cert } };
  return {
    spEntityId: `https://${name}.test/metadata`,
    acsUrl: `https://${name}.test/acs`,
    signing: keys,
    decryption: keys,
  };
}

/** As the peer's administrator imports it: by the metadata that we publish. */
export function asServiceProvider(settings: OurSettings, encryptAssertion: boolean): ServiceProvider {
  return { metadataXml: spMetadata(settings), encryptAssertion };
}

export interface SamlConnection {
  readonly peer: SamlPeer;
  readonly fetch: typeof globalThis.fetch;
  readonly settings: OurSettings;
}

export function connectSaml({ peer, fetch, settings }: SamlConnection, clock: Clock = systemClock) {
  return createSamlConnector(
    { ...settings, idp: { metadata: { url: peer.metadataUrl } } },
    { clock, fetchText: (url) => getText(fetch, url) },
  );
}

export interface SamlVisit {
  readonly connection: SamlConnection;
  readonly pending: PendingLogin;
  /** Where the browser is after the person has typed the password. */
  readonly page: Page;
}

/** One sign-in up to the point where the browser is about to come back to us. */
export async function visitSaml(
  connection: SamlConnection,
  options: { login?: Partial<LoginRequest>; password?: string } = {},
): Promise<SamlVisit> {
  const { peer, fetch, settings } = connection;
  const handle = randomBytes(32).toString('base64url');
  const { url, pending } = await connectSaml(connection).begin({ handle, ...options.login });
  const browser = createHeadlessBrowser({ fetch, stopAt: [settings.acsUrl] });
  const page = await peer.signIn(browser, await browser.open(url), options.password);
  if (page.stopped && page.posted?.RelayState !== handle) throw new Error('The RelayState did not come back');
  return { connection, pending, page };
}

/** What the connector makes of the browser's return, at the time that `clock` shows. */
export function completeSaml(visit: SamlVisit, clock?: Clock): Promise<UpstreamIdentity> {
  const form = visit.page.posted;
  if (form === null) throw new Error(`The browser is still at ${visit.page.url} (${visit.page.status})`);
  return connectSaml(visit.connection, clock).complete({ protocol: 'saml', form }, visit.pending);
}

/** The response that the browser carries, as XML. */
export function responseXml({ page }: SamlVisit): string {
  return Buffer.from(page.posted?.SAMLResponse ?? '', 'base64').toString();
}

/** The same return, with another response in it. */
export function withResponse(visit: SamlVisit, xml: string): SamlVisit {
  const posted = { ...visit.page.posted, SAMLResponse: Buffer.from(xml).toString('base64') };
  return { ...visit, page: { ...visit.page, posted } };
}
