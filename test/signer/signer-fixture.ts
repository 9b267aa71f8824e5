import type { Clock } from '../../bridge/lib/clock.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';

export { type TemporaryStore, temporaryStore };

export const ISS = 'https://bridge.acme.example';
export const DAY_MS = 86_400_000;

/** A clock that stands still until it is moved. */
export interface MovableClock extends Clock {
  /** Time passes. */
  advance(ms: number): void;
  /** Somebody sets it. */
  set(ms: number): void;
}

export function movableClock(start = Date.parse('2026-11-22T09:00:00Z')): MovableClock {
  let [now, elapsed] = [start, 0];
  return {
    now: () => now,
    elapsed: () => elapsed,
    advance: (ms) => {
      now += ms;
      elapsed += ms;
    },
    set: (ms) => {
      now = ms;
    },
  };
}

export interface SignerFixture {
  readonly clock: MovableClock;
  readonly store: TemporaryStore;
  readonly root: SigningKey;
  readonly keyEncryptionKey: Uint8Array;
  open(changes?: { iss?: string; keyEncryptionKey?: Uint8Array; database?: Database }): Promise<Signer>;
}

/** A store whose keys are initialized under a root of its own, at `start` (milliseconds). */
export async function signerFixture(start?: number): Promise<SignerFixture> {
  const clock = movableClock(start);
  const store = await temporaryStore(clock);
  const root = await openRootKey(await createRootKey());
  const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
  await store.database.transaction((tx) => initializeKeys(tx, { iss: ISS, root, keyEncryptionKey, clock }));
  return {
    clock,
    store,
    root,
    keyEncryptionKey,
    open: (changes) =>
      openLocalSigner({ database: store.database, keyEncryptionKey, iss: ISS, clock, ...changes }),
  };
}
