import { randomBytes } from 'node:crypto';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { LoginRequest, PendingLogin } from '../../connectors/identity/connector.ts';
import { createOidcConnector } from '../../connectors/identity/oidc/oidc-connector.ts';
import type { OidcSettings } from '../../connectors/identity/oidc/settings.ts';
import { createHeadlessBrowser, type Page } from '../fakes/headless-browser.ts';
import type { OidcPeer, RelyingParty } from './peer.ts';

const REDIRECT_URI = 'https://bridge.test/callback';

/** Secrets with a hyphen, which client_secret_basic percent-encodes and two peers do not decode. */
export function makeRelyingParty(): RelyingParty {
  const clientSecret = `secret-${randomBytes(16).toString('hex')}`;
  return { clientId: 'countersign', clientSecret, redirectUri: REDIRECT_URI };
}

export interface OidcVisit {
  readonly connector: ReturnType<typeof createOidcConnector>;
  readonly pending: PendingLogin;
  /** Where the browser is after the person has typed the password. */
  readonly page: Page;
}

/** A connection to the peer; `changes` are laid over the settings that work. */
export function connectOidc(
  peer: OidcPeer,
  fetch: typeof globalThis.fetch,
  changes: Partial<OidcSettings> = {},
) {
  const settings: OidcSettings = {
    issuer: peer.issuer,
    clientId: peer.clientId,
    redirectUri: REDIRECT_URI,
    authentication: { method: 'client_secret_post', secret: peer.clientSecret },
    emailVerified: 'trusted-domain',
    ...changes,
  };
  return createOidcConnector(settings, { clock: systemClock, fetch });
}

/** One sign-in up to the point where the browser is about to come back to us. */
export async function visitOidc(
  peer: OidcPeer,
  fetch: typeof globalThis.fetch,
  options: { settings?: Partial<OidcSettings>; login?: Partial<LoginRequest>; password?: string } = {},
): Promise<OidcVisit> {
  const connector = connectOidc(peer, fetch, options.settings);
  const handle = randomBytes(32).toString('base64url');
  const { url, pending } = await connector.begin({ handle, ...options.login });
  const browser = createHeadlessBrowser({ fetch, stopAt: [REDIRECT_URI] });
  const page = await peer.signIn(browser, await browser.open(url), options.password);
  return { connector, pending, page };
}

/** What the connector makes of the browser's return. */
export function completeOidc({ connector, pending, page }: OidcVisit) {
  if (!page.stopped) throw new Error(`The browser is still at ${page.url} (${page.status})`);
  return connector.complete({ protocol: 'oidc', url: page.url }, pending);
}
