import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { KeyEncryptionKey, sealedUnder } from './key-encryption-key.ts';
import type { SealContext } from './signer.ts';

/** The key-encryption keys that this process was given, 32 bytes each. */
export interface GivenKeys {
  readonly keyEncryptionKey: Uint8Array;
  /** The one before it, while what rests in the store is sealed anew. */
  readonly previousKeyEncryptionKey?: Uint8Array | undefined;
}

/** Opens what either key sealed. Which one seals is for the store to say, so that all replicas change at once. */
export class KeyRing {
  readonly configured: KeyEncryptionKey;
  readonly previous: KeyEncryptionKey | undefined;

  /** Throws `config_invalid` for anything but 32 bytes that look random, and for the same key twice. */
  constructor({ keyEncryptionKey, previousKeyEncryptionKey }: GivenKeys) {
    this.configured = new KeyEncryptionKey(keyEncryptionKey);
    if (previousKeyEncryptionKey === undefined) return;
    if (equalBytes(keyEncryptionKey, previousKeyEncryptionKey)) {
      throw new CountersignError(
        'config_invalid',
        'The key-encryption key and the previous one are the same.',
      );
    }
    this.previous = new KeyEncryptionKey(previousKeyEncryptionKey);
  }

  /** The key of this id, if it was given. */
  find(id: string): KeyEncryptionKey | undefined {
    return [this.configured, this.previous].find((key) => key?.id === id);
  }

  /** Throws `seal_broken`. */
  open(context: SealContext, sealed: Uint8Array): Uint8Array {
    const { previous } = this;
    const key = previous !== undefined && sealedUnder(sealed, previous) ? previous : this.configured;
    return key.open(context, sealed);
  }
}
