import type { Config } from './parse.ts';
import type { Secret } from './secret.ts';

/** The key-encryption keys of a configuration, 32 bytes each. */
export function keyEncryptionKeys({ signer }: Pick<Config, 'signer'>): {
  readonly keyEncryptionKey: Uint8Array;
  readonly previousKeyEncryptionKey?: Uint8Array;
} {
  const { key_encryption_key: current, previous_key_encryption_key: previous } = signer;
  return {
    keyEncryptionKey: bytesOf(current),
    ...(previous === undefined ? {} : { previousKeyEncryptionKey: bytesOf(previous) }),
  };
}

function bytesOf(secret: Secret): Uint8Array {
  return new Uint8Array(Buffer.from(secret.reveal(), 'base64url'));
}
