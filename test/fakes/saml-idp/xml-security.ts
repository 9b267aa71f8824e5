/** Signs and encrypts with real cryptography, with weak algorithms as well: the fake may lie. */
import { promisify } from 'node:util';
import { SignedXml } from 'xml-crypto';
import xmlEncryption from 'xml-encryption';
import type { KeyPair } from './key-pair.ts';

export interface SigningOptions {
  readonly signatureAlgorithm?: string;
  readonly digestAlgorithm?: string;
  readonly canonicalization?: string;
  readonly transforms?: readonly string[];
  /** Sign with HMAC under this secret instead of the private key. */
  readonly hmacSecret?: string;
}

const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';

/** Signs the element with this ID and puts the signature after its Issuer. */
export function signElement(xml: string, id: string, keys: KeyPair, options: SigningOptions = {}): string {
  const signed = new SignedXml({
    privateKey: options.hmacSecret ?? keys.privateKey,
    publicCert: keys.certificate,
    signatureAlgorithm: options.signatureAlgorithm ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: options.canonicalization ?? EXCLUSIVE,
  });
  if (options.hmacSecret !== undefined) signed.enableHMAC();
  const xpath = `//*[@ID='${id}']`;
  signed.addReference({
    xpath,
    transforms: [...(options.transforms ?? [ENVELOPED, EXCLUSIVE])],
    digestAlgorithm: options.digestAlgorithm ?? 'http://www.w3.org/2001/04/xmlenc#sha256',
  });
  signed.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: `${xpath}/*[local-name()='Issuer']`, action: 'after' },
  });
  return signed.getSignedXml();
}

export interface EncryptionOptions {
  readonly dataAlgorithm?: string;
  readonly keyAlgorithm?: string;
  readonly oaepDigest?: 'sha1' | 'sha256' | 'sha512';
}

type EncryptOptions = Parameters<typeof xmlEncryption.encrypt>[1] & { keyEncryptionDigest?: string };
const encrypt = promisify(
  xmlEncryption.encrypt as (
    content: string,
    options: EncryptOptions,
    callback: (error: Error | null, result: string) => void,
  ) => void,
);

/** An EncryptedData element for the holder of `certificate`. */
export function encryptElement(
  xml: string,
  certificate: string,
  options: EncryptionOptions = {},
): Promise<string> {
  return encrypt(xml, {
    rsa_pub: certificate,
    pem: certificate,
    encryptionAlgorithm: (options.dataAlgorithm ??
      'http://www.w3.org/2009/xmlenc11#aes256-gcm') as EncryptOptions['encryptionAlgorithm'],
    keyEncryptionAlgorithm: (options.keyAlgorithm ??
      'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p') as EncryptOptions['keyEncryptionAlgorithm'],
    keyEncryptionDigest: options.oaepDigest ?? 'sha1',
    disallowEncryptionWithInsecureAlgorithm: false,
    warnInsecureAlgorithm: false,
  });
}
