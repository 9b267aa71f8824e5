import type { DeviceSecrets, KeyStore } from './key-store.ts';
import type { PinChange, PinStore, Pins } from './pin-store.ts';
import { createTurns } from './turns.ts';

/** Keys for the life of the process; the `sig` key cannot be exported. */
export function createMemoryKeyStore(): KeyStore {
  let stored: DeviceSecrets | null = null;
  return {
    extractable: false,
    load: async () => stored,
    save: async (secrets) => {
      stored = secrets;
    },
    clear: async () => {
      stored = null;
    },
  };
}

/** Pins for the life of the process: every start trusts on first use again. */
export function createMemoryPinStore(initial: Pins | null = null): PinStore {
  let stored = initial;
  const turns = createTurns();
  return {
    read: async () => stored,
    update: <Result>(change: (pins: Pins | null) => Promise<PinChange<Result>>) =>
      turns.take(async () => {
        const { pins, result } = await change(stored);
        stored = pins;
        return result;
      }),
  };
}
