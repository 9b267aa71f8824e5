import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate authority that lives as long as the process: its private key is never written anywhere. */
export interface ThrowawayCa {
  /** What a client must trust, PEM. */
  readonly certificatePem: string;
  /** A certificate for these DNS names, of a server or a client (its CN is the first), with its private key (PKCS #8), both PEM. */
  issue(hosts: readonly string[]): Promise<{ key: string; cert: string }>;
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;
const LIFE_MS = 24 * HOUR_MS;

/** Makes a CA (ECDSA P-256, valid for a day) for tests and the demo. */
export async function createThrowawayCa(): Promise<ThrowawayCa> {
  const keys = await newKeys();
  const name = 'CN=Countersign throwaway CA';
  const root = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: ECDSA,
    ...validity(),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });

  return {
    certificatePem: root.toString('pem'),
    async issue(hosts) {
      const leafKeys = await newKeys();
      const leaf = await X509CertificateGenerator.create({
        subject: `CN=${hosts[0] ?? 'nobody'}`,
        issuer: name,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ECDSA,
        ...validity(),
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
          new SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns' as const, value }))),
        ],
      });
      return { key: await privateKeyPem(leafKeys.privateKey), cert: leaf.toString('pem') };
    },
  };
}

function newKeys() {
  return crypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
}

/** Begins an hour ago: a virtual machine's clock may have just been set back. */
function validity() {
  const now = Date.now();
  return { notBefore: new Date(now - HOUR_MS), notAfter: new Date(now + LIFE_MS) };
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}
