import { CountersignError } from '../protocol/errors.ts';
import { indexedDbRecord } from './indexeddb-database.ts';
import type { PinChange, PinStore, Pins } from './pin-store.ts';
import { decodePins, encodePins } from './pins-format.ts';

/**
 * Pins in IndexedDB, in the database `name` of the page's origin; all tabs may share it. A browser may clear it, and
 * then everything is trusted on first use again: ask for `navigator.storage.persist()`.
 */
export function createIndexedDbPinStore(name: string): PinStore {
  const record = indexedDbRecord(name, 'pins');
  const read = async (): Promise<Pins | null> => {
    const text = await record.read();
    if (text === undefined) return null;
    if (typeof text !== 'string') throw new CountersignError('pin_store_invalid');
    return decodePins(text);
  };
  return {
    read,
    update: <Result>(change: (pins: Pins | null) => Promise<PinChange<Result>>) =>
      record.exclusively(async () => {
        const before = await read();
        const { pins, result } = await change(before);
        if (pins !== before) await record.write(encodePins(pins));
        return result;
      }),
  };
}
