import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UsageError } from './usage-error.ts';

/** Bytes. Nothing that the bridge writes comes near it: an event is some kB, a line of hashes 50. */
const LONGEST_LINE = 1024 * 1024;
const LINE_FEED = 10;

export interface FileLine {
  /** Without its end, read as UTF-8; absent where it is too long for any that the bridge writes. */
  readonly text?: string;
  /** Share of the file that was read so far, 0 to 1. */
  readonly read: number;
}

/**
 * The lines of a file, a piece of it at a time in memory; one that ends in `.gz` is unpacked. Only a line feed ends a
 * line. Throws `UsageError` where it cannot be read to its end.
 */
export async function* linesOfFile(path: string): AsyncGenerator<FileLine, void> {
  const file = createReadStream(path);
  const input: Readable = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => input.destroy(error));
  const lines = linesOf(input);
  try {
    const size = (await readable(path, stat(path))).size;
    for (;;) {
      const { value, done } = await readable(path, lines.next());
      if (done === true) return;
      yield { ...value, read: size === 0 ? 1 : file.bytesRead / size };
    }
  } finally {
    input.destroy();
    file.destroy();
  }
}

/** What goes wrong here is the file's fault, and what goes wrong with its lines is not. */
async function readable<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new UsageError(`${path} cannot be read, or not to its end.`, { cause });
  }
}

async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<Pick<FileLine, 'text'>, void> {
  let begun: Buffer[] = [];
  let length = 0;
  const take = (piece: Buffer) => {
    length += piece.length;
    // of one that is too long nothing is kept
    begun = length > LONGEST_LINE ? [] : [...begun, piece];
  };
  const line = () => {
    const text =
      length > LONGEST_LINE ? {} : { text: Buffer.concat(begun).toString('utf8').replace(/\r$/, '') };
    begun = [];
    length = 0;
    return text;
  };
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      take(chunk.subarray(start, end));
      yield line();
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
  if (length > 0) yield line();
}
