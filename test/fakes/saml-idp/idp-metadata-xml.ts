import { certificateBody } from './key-pair.ts';

export interface MetadataOptions {
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly certificates: readonly string[];
  readonly use?: 'signing' | 'encryption' | null;
  readonly validUntil?: string;
}

/** An EntityDescriptor of an IdP; a test may give it what no honest IdP would publish. */
export function idpMetadataXml(options: MetadataOptions): string {
  const use = options.use === undefined ? 'signing' : options.use;
  const keys = options.certificates.map(
    (pem) =>
      `<md:KeyDescriptor${use === null ? '' : ` use="${use}"`}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` +
      `${certificateBody(pem)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
  );
  const validUntil = options.validUntil === undefined ? '' : ` validUntil="${options.validUntil}"`;
  return (
    '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"' +
    ` entityID="${options.entityId}"${validUntil}>` +
    '<md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">' +
    keys.join('') +
    '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"' +
    ` Location="${options.ssoUrl}"/></md:IDPSSODescriptor></md:EntityDescriptor>`
  );
}
