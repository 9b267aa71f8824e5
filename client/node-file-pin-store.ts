import { readPrivateFile, withFileLock, writePrivateFile } from './node-private-file.ts';
import type { PinChange, PinStore, Pins } from './pin-store.ts';
import { decodePins, encodePins } from './pins-format.ts';
import { createTurns } from './turns.ts';

/**
 * Pins in one JSON file, mode 0600, replaced as a whole and synced. Several clients and processes may share it: a lock
 * file beside it lets one write at a time.
 */
export function createFilePinStore(path: string): PinStore {
  const turns = createTurns();
  const read = async (): Promise<Pins | null> => {
    const text = await readPrivateFile(path);
    return text === null ? null : decodePins(text);
  };
  return {
    read,
    update: <Result>(change: (pins: Pins | null) => Promise<PinChange<Result>>) =>
      turns.take(() =>
        withFileLock(path, async () => {
          const before = await read();
          const { pins, result } = await change(before);
          if (pins !== before) await writePrivateFile(path, encodePins(pins));
          return result;
        }),
      ),
  };
}
