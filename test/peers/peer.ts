import type { HeadlessBrowser, Page } from '../fakes/headless-browser.ts';

/**
 * What a test needs of an identity provider that this project did not write. Each runs on 127.0.0.1 behind TLS, from
 * Debian's packages, with its state in a directory of its own that `stop` removes.
 */
export interface Peer {
  /** `https://<host>:<port>`, without a slash at the end. */
  readonly origin: string;
  /** The only name that it answers to; the test's resolver must say 127.0.0.1 for it. */
  readonly host: string;
  /** Somebody who can sign in there. */
  readonly account: Account;
  /**
   * What a person does who was sent to this peer: `page` is where its redirects ended, and the answer is where the
   * browser is afterwards; on its way back to us, unless the peer refused. The password is the account's by default.
   */
  signIn(browser: HeadlessBrowser, page: Page, password?: string): Promise<Page>;
  /** Ends its processes and removes its state; to be called once. */
  stop(): Promise<void>;
}

export interface Account {
  readonly username: string;
  readonly password: string;
  readonly address: string;
  readonly name: string;
  readonly groups: readonly string[];
}

export interface SamlPeer extends Peer {
  readonly entityId: string;
  readonly metadataUrl: string;
  readonly metadataXml: string;
}

export interface OidcPeer extends Peer {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What the peer's TLS listener shows, for the peer's host name, and who vouches for it: all PEM. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
  /** The certificate authority of the run. */
  readonly ca: string;
}

/** A SAML service provider that a peer shall know, described by its own metadata document. */
export interface ServiceProvider {
  readonly metadataXml: string;
  readonly encryptAssertion: boolean;
}

/** An OpenID Connect client that a peer shall know. */
export interface RelyingParty {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}
