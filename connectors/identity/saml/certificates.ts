/** The certificates that an IdP may sign with. They are keys with a lifetime; no chain is built, none is meant. */
import { X509Certificate } from 'node:crypto';
import { refuse } from './refuse.ts';

export interface IdpCertificate {
  readonly pem: string;
  /** SHA-256 of the DER form, hexadecimal. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly rsaBits: number;
}

const MINIMUM_RSA_BITS = 2048;

/** @throws saml_metadata when it does not parse. Takes PEM or the bare base64 of ds:X509Certificate. */
export function parseCertificate(text: string): IdpCertificate {
  const compact = text.replace(/-----(BEGIN|END) CERTIFICATE-----/g, '').replace(/\s/g, '');
  try {
    const certificate = new X509Certificate(Buffer.from(compact, 'base64'));
    return {
      pem: certificate.toString(),
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
      rsaBits: certificate.publicKey.asymmetricKeyDetails?.modulusLength ?? 0,
    };
  } catch (error) {
    return refuse('saml_metadata', 'a certificate does not parse', error);
  }
}

/** Those that may verify a signature now: within their lifetime, RSA of at least 2048 bits. None: saml_certificate. */
export function usableCertificates(
  all: readonly IdpCertificate[],
  now: number,
): readonly [IdpCertificate, ...IdpCertificate[]] {
  const [first, ...others] = all.filter(
    ({ notBefore, notAfter, rsaBits }) => notBefore <= now && now < notAfter && rsaBits >= MINIMUM_RSA_BITS,
  );
  if (first === undefined)
    refuse('saml_certificate', 'every certificate is expired, not yet valid or too weak');
  return [first, ...others];
}
