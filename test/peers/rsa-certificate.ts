import 'reflect-metadata';
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509';

export interface RsaCertificate {
  /** PKCS #8, PEM. */
  readonly key: string;
  /** Self-signed X.509, PEM. */
  readonly cert: string;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string;
}

const ALGORITHM = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

/** Longer than any peer's assertion, so that a test can look at one after its time. */
const LIFE_MS = 7 * 24 * 60 * 60 * 1000;

/** A key pair for signing SAML messages or ID tokens, with the certificate that SAML metadata wraps around it. */
export async function makeRsaCertificate(commonName: string): Promise<RsaCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const now = Date.now();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${commonName}`,
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(now - LIFE_MS),
      notAfter: new Date(now + LIFE_MS),
    },
    crypto,
  );
  return {
    key: PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'),
    cert: certificate.toString('pem'),
    publicKey: PemConverter.encode(await crypto.subtle.exportKey('spki', keys.publicKey), 'PUBLIC KEY'),
  };
}
