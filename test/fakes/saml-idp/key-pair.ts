import 'reflect-metadata';
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509';

/** An RSA key with a self-signed certificate; both PEM. */
export interface KeyPair {
  readonly privateKey: string;
  readonly certificate: string;
}

export interface KeyPairOptions {
  readonly commonName?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly bits?: number;
}

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };
const DAY = 24 * 60 * 60 * 1000;

/** Makes a new pair, valid from a day ago for a year unless `options` say otherwise. */
export async function makeKeyPair(options: KeyPairOptions = {}): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey({ ...RSA, modulusLength: options.bits ?? 2048 }, true, [
    'sign',
    'verify',
  ]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${options.commonName ?? 'throwaway'}`,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY),
    notAfter: options.notAfter ?? new Date(Date.now() + 365 * DAY),
    signingAlgorithm: RSA,
    keys,
  });
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    privateKey: PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    certificate: certificate.toString('pem'),
  };
}

/** The base64 of ds:X509Certificate. */
export function certificateBody(pem: string): string {
  return pem.replace(/-----(BEGIN|END) CERTIFICATE-----/g, '').replace(/\s/g, '');
}
