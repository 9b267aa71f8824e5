import { type FileHandle, stat } from 'node:fs/promises';
import type { Clock } from '../../../bridge/lib/clock.ts';
import { fileFault } from './file-fault.ts';
import { pathWithinFolders } from './file-folders.ts';
import { openWholeLines } from './open-whole-lines.ts';
import { rotate, syncFolder } from './rotation.ts';

export interface EventFileOptions {
  readonly path: string;
  /** Below one of which it must really be, whenever it is written to. */
  readonly folders: readonly string[];
  readonly maxBytes: number;
  /** Of UTC, after which it is put aside. */
  readonly hours: number;
  /** How many that were put aside are kept. */
  readonly keep: number;
  /** What every line begins with. */
  readonly begins: string;
}

/** Lines appended to a file that is put aside when it is large or old. */
export interface EventFile {
  /** Resolves when the disk has all of them. Each ends in a line feed. Throws the errors of a sink. */
  append(lines: readonly Buffer[]): Promise<void>;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** Who appends to a file of this process: one at a time, so that nobody cuts off what another wrote. */
const turns = new Map<string, Promise<unknown>>();

export function eventFile(options: EventFileOptions, clock: Clock): EventFile {
  const { path } = options;
  let handle: FileHandle | undefined;
  /** By the clock; of what others wrote, the file itself knows. */
  let written: number | undefined;

  const periodOf = (time: number) => Math.floor(time / (options.hours * HOUR_MS));

  async function close(): Promise<void> {
    const closing = handle;
    handle = undefined;
    written = undefined;
    await closing?.close();
  }

  /** The file that is there under the name now: others may have moved or removed the one that is open. */
  async function current(place: string): Promise<FileHandle> {
    if (handle !== undefined) {
      const [ours, there] = [await handle.stat(), await stat(place).catch(() => undefined)];
      if (ours.ino === there?.ino && ours.dev === there.dev) return handle;
      await close();
    }
    handle = await openWholeLines(place, options.begins);
    await syncFolder(place);
    return handle;
  }

  async function putAside(place: string): Promise<void> {
    await close();
    await rotate(place, clock.now(), options.keep);
  }

  /** Writes what fits in, and answers the rest. All of it is on the disk, or none. */
  async function appendFitting(lines: readonly Buffer[]): Promise<readonly Buffer[]> {
    const place = await pathWithinFolders(path, options.folders);
    const file = await current(place);
    const { size, mtimeMs } = await file.stat();
    const fitting = countFitting(lines, options.maxBytes - size);
    if (size > 0 && (fitting === 0 || periodOf(written ?? mtimeMs) < periodOf(clock.now()))) {
      await putAside(place);
      return lines;
    }
    const taken = lines.slice(0, Math.max(1, fitting));
    try {
      await file.appendFile(Buffer.concat(taken));
      await file.datasync();
      written = clock.now();
    } catch (error) {
      await file.truncate(size).catch(() => undefined);
      throw error;
    }
    return lines.slice(taken.length);
  }

  return {
    append: (lines) =>
      inTurn(path, async () => {
        try {
          let rest = lines;
          while (rest.length > 0) rest = await appendFitting(rest);
        } catch (error) {
          await close().catch(() => undefined);
          throw fileFault(error);
        }
      }),
    close: () => inTurn(path, close),
  };
}

function countFitting(lines: readonly Buffer[], room: number): number {
  let bytes = 0;
  for (const [index, line] of lines.entries()) {
    bytes += line.byteLength;
    if (bytes > room) return index;
  }
  return lines.length;
}

async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(path) ?? Promise.resolve()).then(work, work);
  const settled = turn
    .catch(() => undefined)
    .finally(() => {
      if (turns.get(path) === settled) turns.delete(path);
    });
  turns.set(path, settled);
  return turn;
}
