import type { RunningBridge } from '../../bridge/main.ts';
import type { Administrator } from './administrator.ts';

/** One of the two companies of the story. */
export interface CompanyPlan {
  readonly key: 'acme' | 'globex';
  readonly name: string;
  /** Of its people's addresses. */
  readonly domain: string;
  readonly bridgeHost: string;
  readonly loginHost: string;
  /** The id of its one connection, which stands in URLs. */
  readonly connection: string;
  readonly protocol: 'oidc' | 'saml';
}

/** Hosts are below `.localhost`, which every machine resolves to itself: the pages open in a browser too. */
export const ACME: CompanyPlan = {
  key: 'acme',
  name: 'Acme',
  domain: 'acme.example',
  bridgeHost: 'bridge.acme.localhost',
  loginHost: 'login.acme.localhost',
  connection: 'acme-login',
  protocol: 'oidc',
};

export const GLOBEX: CompanyPlan = {
  key: 'globex',
  name: 'Globex',
  domain: 'globex.example',
  bridgeHost: 'bridge.globex.localhost',
  loginHost: 'login.globex.localhost',
  connection: 'globex-login',
  protocol: 'saml',
};

/** A company that is up: its bridge, its identity provider, and its administrator. */
export interface Company extends CompanyPlan {
  /** Entity id of the bridge, and where it answers. */
  readonly issuer: string;
  readonly port: number;
  readonly folder: string;
  readonly configPath: string;
  /** Of the offline root key. */
  readonly rootThumbprint: string;
  readonly administrator: Administrator;
  readonly identityProvider: IdentityProvider;
  /** Another one after a restart. */
  bridge: RunningBridge;
}

/** The company's own sign-in, OpenID Connect or SAML. */
export interface IdentityProvider {
  readonly origin: string;
  readonly description: string;
  /** What the administrator tells the bridge about it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Tells the identity provider about the bridge: SAML metadata. Null where it was told at its start. */
  readonly trust: ((metadataXml: string) => void) | null;
}
