/** What the fake IdP learns of a service provider from its metadata, and how it checks that provider's requests. */
import { createVerify } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { DOMParser } from '@xmldom/xmldom';

export interface ServiceProvider {
  readonly entityId: string;
  readonly acsUrl: string;
  readonly signingCertificates: readonly string[];
  readonly encryptionCertificates: readonly string[];
}

export interface AuthnRequest {
  readonly id: string;
  readonly issuer: string;
  readonly acsUrl: string | null;
  readonly forceAuthn: boolean;
}

const METADATA = 'urn:oasis:names:tc:SAML:2.0:metadata';
const SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#';
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const REQUEST_BYTES = 64 * 1024;

export function readSpMetadata(xml: string): ServiceProvider {
  const document = new DOMParser().parseFromString(xml, 'text/xml');
  const entityId = document.documentElement.getAttribute('entityID');
  const acs = [...all(document, METADATA, 'AssertionConsumerService')][0]?.getAttribute('Location');
  if (!entityId || !acs) throw new Error('the metadata names no entity or no assertion consumer service');
  const certificates = (use: string) =>
    all(document, METADATA, 'KeyDescriptor')
      .filter((key) => (key.getAttribute('use') ?? use) === use)
      .flatMap((key) => all(key, SIGNATURE, 'X509Certificate'))
      .map((element) => pem(element.textContent ?? ''));
  return {
    entityId,
    acsUrl: acs,
    signingCertificates: certificates('signing'),
    encryptionCertificates: certificates('encryption'),
  };
}

/** Reads a request of the Redirect binding without believing it. */
export function readAuthnRequest(query: URLSearchParams): AuthnRequest {
  const deflated = Buffer.from(query.get('SAMLRequest') ?? '', 'base64');
  const xml = inflateRawSync(deflated, { maxOutputLength: REQUEST_BYTES }).toString('utf8');
  const root = new DOMParser().parseFromString(xml, 'text/xml').documentElement;
  const issuer = all(root, 'urn:oasis:names:tc:SAML:2.0:assertion', 'Issuer')[0]?.textContent;
  const id = root.getAttribute('ID');
  if (root.localName !== 'AuthnRequest' || !id || !issuer) throw new Error('not an AuthnRequest');
  return {
    id,
    issuer,
    acsUrl: root.getAttribute('AssertionConsumerServiceURL') || null,
    forceAuthn: root.getAttribute('ForceAuthn') === 'true',
  };
}

/** SAML Bindings §3.4.4.1: the signature covers the parameters as they stood in the URL. */
export function isSignedBy(provider: ServiceProvider, search: string): boolean {
  const raw = new Map(
    search
      .replace(/^\?/, '')
      .split('&')
      .map((part) => [part.slice(0, part.indexOf('=')), part] as const),
  );
  const query = new URLSearchParams(search);
  if (query.get('SigAlg') !== RSA_SHA256) return false;
  const covered = ['SAMLRequest', 'RelayState', 'SigAlg']
    .map((name) => raw.get(name))
    .filter(Boolean)
    .join('&');
  return provider.signingCertificates.some((certificate) =>
    createVerify('RSA-SHA256')
      .update(covered)
      .verify(certificate, query.get('Signature') ?? '', 'base64'),
  );
}

function all(root: Document | Element, namespace: string, name: string): Element[] {
  return Array.from(root.getElementsByTagNameNS(namespace, name));
}

function pem(base64: string): string {
  const lines = base64.replace(/\s/g, '').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
