/**
 * The signature check, by node-saml. Of node-saml only this is used: it proves which bytes are signed; what they say
 * is read by the post-gate, because node-saml does not check Recipient, Destination, issuers, confirmation methods,
 * sessions or duplicate attributes.
 */
import { type CacheProvider, type Profile, SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { SignedXml } from 'xml-crypto';
import type { IdpCertificate } from './certificates.ts';
import { NS } from './names.ts';
import { refuse } from './refuse.ts';
import { childrenNamed, parseXml, rootOf } from './xml.ts';

export interface SignedMessage {
  /** A Response that the pre-gate accepted, with its assertion in clear. */
  readonly xml: string;
  readonly requestId: string;
  readonly responseSigned: boolean;
  readonly assertionSigned: boolean;
}

type Certificates = readonly [IdpCertificate, ...IdpCertificate[]];

/** Returns the assertion, as the signature covers it. Throws saml_signature. */
export async function verifySignedAssertion(
  message: SignedMessage,
  certificates: Certificates,
): Promise<string> {
  const verifier = new SignatureVerifier({
    callbackUrl: 'https://unused.invalid/',
    issuer: 'unused',
    audience: false,
    idpCert: certificates.map(({ pem }) => pem),
    wantAuthnResponseSigned: message.responseSigned,
    wantAssertionsSigned: message.assertionSigned,
    validateInResponseTo: ValidateInResponseTo.always,
    cacheProvider: onlyRequest(message.requestId),
  });
  try {
    const SAMLResponse = Buffer.from(message.xml, 'utf8').toString('base64');
    const { profile } = await verifier.validatePostResponseAsync({ SAMLResponse });
    return profile?.getAssertionXml?.() ?? refuse('saml_signature', 'nothing is signed');
  } catch (error) {
    return refuse('saml_signature', 'the signature does not verify', error);
  }
}

/**
 * Checks the signature of a Response whose assertion is encrypted: it covers the ciphertext, so it is checked before
 * anything is decrypted, on a form that the pre-gate has accepted.
 */
export function verifyOuterSignature(xml: string, certificates: Certificates): void {
  const [signature] = childrenNamed(rootOf(parseXml(xml)), NS.signature, 'Signature');
  const verified = certificates.some(({ pem }) => {
    if (signature === undefined) return false;
    // A certificate in the message is the attacker's to choose: never read.
    const signedXml = new SignedXml({ publicCert: pem, getCertFromKeyInfo: () => null });
    try {
      signedXml.loadSignature(signature);
      return signedXml.checkSignature(xml);
    } catch {
      return false;
    }
  });
  if (!verified) refuse('saml_signature', 'the signature of the Response does not verify');
}

class SignatureVerifier extends SAML {
  protected override async processValidlySignedAssertionAsync(xml: string) {
    const profile: Profile = { issuer: '', nameID: '', nameIDFormat: '', getAssertionXml: () => xml };
    return { profile, loggedOut: false };
  }
}

/** Knows one open request, for one call. Who may use the assertion once is decided by the caller's database. */
function onlyRequest(requestId: string): CacheProvider {
  const known = async (key: string | null) => (key === requestId ? new Date(0).toISOString() : null);
  return { saveAsync: async () => null, getAsync: known, removeAsync: known };
}
