import { createPrivateKey, X509Certificate } from 'node:crypto';
import { CLOCK_SKEW_S, SAML_CLOCK_SKEW_MAX_S } from '../../../bridge/lib/limits.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import type { SamlAlgorithms } from './algorithms.ts';
import type { AssertionSignature } from './pre-gate/pre-gate.ts';

/** One SAML connection, as the administrator configured it. */
export interface SamlSettings {
  readonly spEntityId: string;
  /** Where the IdP posts its response: exactly this URL is Destination and Recipient. */
  readonly acsUrl: string;
  /** Signs every AuthnRequest; `next` is only published, so that the IdP knows it before it becomes current. */
  readonly signing: SamlKeys;
  /** Opens encrypted assertions; current and next both, because the IdP chooses from what is published. */
  readonly decryption: SamlKeys;
  readonly idp: SamlIdpSettings;
  /** Attribute names to read, in order of preference; the first one that the assertion has is used. */
  readonly attributes?: Partial<AttributeMapping>;
  /** What identifies the person at this IdP; never an address that may pass to somebody else. Default: NameID. */
  readonly subject?: SubjectSource;
  /** Milliseconds that the two clocks may differ; default 60 s, at most 5 min. */
  readonly clockSkewMs?: number;
  /** Refuse assertions that are not encrypted. */
  readonly wantEncrypted?: boolean;
  /**
   * Default `assertion`: the assertion itself must be signed, as ADFS, Entra, Okta, SimpleSAMLphp and LemonLDAP do.
   * `response-or-assertion` also takes an unsigned assertion within a signed response. A response signature that is
   * present must verify either way.
   */
  readonly assertionSignature?: AssertionSignature;
  /** Cuts the built-in list of algorithms down; it cannot add to it. */
  readonly algorithms?: Partial<SamlAlgorithms>;
}

export interface SamlKeys {
  readonly current: SamlKeyPair;
  readonly next?: SamlKeyPair;
}

/** PEM: a PKCS#8 private RSA key and its X.509 certificate. */
export interface SamlKeyPair {
  readonly privateKey: string;
  readonly certificate: string;
}

export interface SamlIdpSettings {
  readonly metadata: { readonly url: string } | { readonly xml: string };
  /** Needed where the metadata describes several entities; checked wherever it is given. */
  readonly entityId?: string;
  /** Take the place of what the metadata says. `certificates` in PEM. */
  readonly overrides?: { readonly ssoUrl?: string; readonly certificates?: readonly string[] };
}

export interface AttributeMapping {
  readonly address: readonly string[];
  readonly name: readonly string[];
  readonly groups: readonly string[];
}

export type SubjectSource = { readonly nameId: 'persistent' } | { readonly attribute: string };

/** The names under which the common IdPs send these attributes by default. */
export const DEFAULT_ATTRIBUTES: AttributeMapping = {
  address: [
    'mail',
    'email',
    'urn:oid:0.9.2342.19200300.100.1.3',
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
  ],
  name: [
    'displayName',
    'urn:oid:2.16.840.1.113730.3.1.241',
    'http://schemas.microsoft.com/identity/claims/displayname',
    'cn',
    'urn:oid:2.5.4.3',
    'name',
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
  ],
  groups: [
    'groups',
    'memberOf',
    'urn:oid:1.3.6.1.4.1.5923.1.5.1.1',
    'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups',
    'http://schemas.xmlsoap.org/claims/Group',
  ],
};

/**
 * The configured skew in milliseconds. More than the limit is a fault of the configuration, not something to cut
 * silently.
 * @throws config_invalid
 */
export function clockSkewOf(settings: Pick<SamlSettings, 'clockSkewMs'>): number {
  const skew = settings.clockSkewMs ?? CLOCK_SKEW_S * 1000;
  if (!Number.isInteger(skew) || skew < 0 || skew > SAML_CLOCK_SKEW_MAX_S * 1000) {
    throw new CountersignError(
      'config_invalid',
      `clockSkewMs must lie between 0 and ${SAML_CLOCK_SKEW_MAX_S * 1000}`,
    );
  }
  return skew;
}

/**
 * Refuses keys that do not fit their certificates: the first sign-in would be too late to learn it.
 * @throws config_invalid
 */
export function checkKeyPairs(settings: Pick<SamlSettings, 'signing' | 'decryption'>): void {
  for (const use of ['signing', 'decryption'] as const) {
    const { current, next } = settings[use];
    for (const pair of next === undefined ? [current] : [current, next]) checkKeyPair(pair, use);
  }
}

function checkKeyPair(pair: SamlKeyPair, use: string): void {
  if (!isRsaPair(pair)) {
    throw new CountersignError('config_invalid', `a ${use} key and its certificate are no RSA pair`);
  }
}

function isRsaPair({ privateKey, certificate }: SamlKeyPair): boolean {
  try {
    const key = createPrivateKey(privateKey);
    return key.asymmetricKeyType === 'rsa' && new X509Certificate(certificate).checkPrivateKey(key);
  } catch {
    return false;
  }
}
