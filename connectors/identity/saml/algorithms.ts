/**
 * The algorithms that a SAML message may use; everything else is refused before any cryptography runs.
 *
 * Not here on purpose: SHA-1 signatures and digests (collisions), HMAC (a public key taken for a secret), RSA 1.5
 * key transport and CBC (padding oracles), inclusive canonicalization, canonicalization with comments, XPath and XSLT.
 */
export interface SamlAlgorithms {
  readonly signature: readonly string[];
  readonly digest: readonly string[];
  readonly canonicalization: readonly string[];
  readonly transform: readonly string[];
  readonly dataEncryption: readonly string[];
  readonly keyEncryption: readonly string[];
  readonly oaepDigest: readonly string[];
  readonly oaepMask: readonly string[];
}

export const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
export const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
export const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
export const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
export const OAEP_MGF1P = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';
export const OAEP = 'http://www.w3.org/2009/xmlenc11#rsa-oaep';
export const AES256_GCM = 'http://www.w3.org/2009/xmlenc11#aes256-gcm';
export const AES128_GCM = 'http://www.w3.org/2009/xmlenc11#aes128-gcm';

export const ALLOWED: SamlAlgorithms = {
  signature: [
    RSA_SHA256,
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
    'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
  ],
  digest: [SHA256, 'http://www.w3.org/2001/04/xmlenc#sha512'],
  canonicalization: [EXCLUSIVE_C14N],
  transform: [ENVELOPED, EXCLUSIVE_C14N],
  dataEncryption: [AES256_GCM, AES128_GCM],
  keyEncryption: [OAEP, OAEP_MGF1P],
  // SHA-1 inside OAEP does not rest on collision resistance, and rsa-oaep-mgf1p fixes its mask to it.
  oaepDigest: ['http://www.w3.org/2000/09/xmldsig#sha1', SHA256, 'http://www.w3.org/2001/04/xmlenc#sha512'],
  oaepMask: [
    'http://www.w3.org/2009/xmlenc11#mgf1sha1',
    'http://www.w3.org/2009/xmlenc11#mgf1sha256',
    'http://www.w3.org/2009/xmlenc11#mgf1sha512',
  ],
};

/** The built-in list cut down to what `narrowed` names: a setting can forbid an algorithm, never allow one. */
export function narrowAlgorithms(narrowed: Partial<SamlAlgorithms> | undefined): SamlAlgorithms {
  const cut = (kind: keyof SamlAlgorithms) => {
    const only = narrowed?.[kind];
    return only === undefined ? ALLOWED[kind] : ALLOWED[kind].filter((algorithm) => only.includes(algorithm));
  };
  return {
    signature: cut('signature'),
    digest: cut('digest'),
    canonicalization: cut('canonicalization'),
    transform: cut('transform'),
    dataEncryption: cut('dataEncryption'),
    keyEncryption: cut('keyEncryption'),
    oaepDigest: cut('oaepDigest'),
    oaepMask: cut('oaepMask'),
  };
}
