import type { SigningKey } from '../protocol/ed25519.ts';
import type { PrePrivateKey } from '../recrypt/transform-engine.ts';

/** What the authorization server gave: bound to the device's `sig`, worth nothing without it. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  /** Seconds. */
  readonly expires: number;
}

/** The private halves of a device, and its session. */
export interface DeviceSecrets {
  /** Entity id of the bridge that this device belongs to. */
  readonly issuer: string;
  /** Also the DPoP key. Extractable only if the store says so. */
  readonly sig: SigningKey;
  /** recrypt private key of the device. A store that can keeps it wrapped under a key that does not leave the platform. */
  readonly pre: PrePrivateKey;
  /** Null when signed out. */
  readonly tokens: Tokens | null;
  /** What takes the place of `pre` once the bridge has it: kept from before it is sent, so that neither can be lost. */
  readonly next?: PrePrivateKey | undefined;
}

/**
 * Where the device's keys rest; one store for each account on a bridge. A person's own private keys never come here:
 * they rest as a vault at the bridge.
 */
export interface KeyStore {
  /** Whether `save` needs the `sig` key extractable: true for files, false for memory and IndexedDB. */
  readonly extractable: boolean;
  /** Null where nothing is stored. Throws `key_store_invalid` for what cannot be read. */
  load(): Promise<DeviceSecrets | null>;
  /** Replaces what is stored; durable when the promise resolves, as far as the store is. */
  save(secrets: DeviceSecrets): Promise<void>;
  clear(): Promise<void>;
  /**
   * Runs `task` while nobody else who shares the store runs one: two tabs must not use one refresh token, or make two
   * devices. Absent where a store is for one client alone. `task` must not call it again.
   */
  exclusively?<Result>(task: () => Promise<Result>): Promise<Result>;
}
