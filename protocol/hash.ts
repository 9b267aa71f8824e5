import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { encodeBase64url } from './base64url.ts';
import { utf8 } from './bytes.ts';

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes);
}

/** SHA-256 of bytes that come one after another. */
export function startSha256(): { update(bytes: Uint8Array): void; finish(): Uint8Array } {
  const hash = nobleSha256.create();
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    finish: () => hash.digest(),
  };
}

/** SHA-256 of bytes or of a text's UTF-8 form, as 43 characters of base64url: the `sha256(x)` of the protocol. */
export function sha256Base64url(input: Uint8Array | string): string {
  return encodeBase64url(nobleSha256(typeof input === 'string' ? utf8(input) : input));
}
