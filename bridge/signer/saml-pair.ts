import 'reflect-metadata';
import { KeyUsageFlags, KeyUsagesExtension, PemConverter, X509CertificateGenerator } from '@peculiar/x509';
import type { Clock } from '../lib/clock.ts';
import type { PemKeyPair } from './signer.ts';

/** RSA because SAML's peers take nothing else everywhere; 3,072 bits match the strength of our other keys. */
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 3072,
  publicExponent: new Uint8Array([1, 0, 1]),
};

/** IdPs pin the certificate rather than believe its dates, but some refuse an expired one. */
const CERTIFICATE_LIFE_MS = 5 * 365 * 86_400_000;
/** An IdP's clock may be behind ours. */
const BACKDATED_MS = 3_600_000;

/** Makes a key pair for SAML, with the certificate in which IdPs take its public half. It takes about a second. */
export async function generateSamlPair(iss: string, clock: Clock): Promise<PemKeyPair> {
  const keys = await crypto.subtle.generateKey(RSA, true, ['sign', 'verify']);
  const now = clock.now();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [new URL(iss).hostname] }],
      keys,
      signingAlgorithm: RSA,
      notBefore: new Date(now - BACKDATED_MS),
      notAfter: new Date(now + CERTIFICATE_LIFE_MS),
      extensions: [new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment)],
    },
    crypto,
  );
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    privateKey: PemConverter.encode(pkcs8, PemConverter.PrivateKeyTag),
    certificate: certificate.toString('pem'),
  };
}
