import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CountersignError } from '../../../protocol/errors.ts';
import { COPY_PART_BYTES, type CopyPart, type CopyReader, noSuchPart } from '../copy-reader.ts';
import { fileFault } from './file-fault.ts';
import { pathWithinFolders } from './file-folders.ts';
import { putAside } from './rotation.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const LINE_FEED = 10;
/** A batch is written at once: what has no end for so long was left so. */
const SECOND_LOOK_MS = 100;
/** In the place of what does not begin as events do: a sink is no way to read other files. */
const NO_EVENT = '(a line that is no event)';
const NO_EVENTS = '(a file that does not begin as events do)';
/** The file and the bytes that were read of it, and where the copy ends: the file that was written to, and its size. */
const PLACE = /^(\d{1,20}\.\d{1,20})-(\d{1,15})-(\d{1,20}\.\d{1,20})-(\d{1,15})$/;

/** A file by its inode, which it keeps when it is put aside, and by when it was made: inodes are used again. */
type FileId = string;

interface KnownFile {
  readonly id: FileId;
  readonly path: string;
  readonly size: number;
}

interface Place {
  readonly file: FileId;
  readonly at: number;
  readonly end: Pick<KnownFile, 'id' | 'size'>;
}

/**
 * Reads the files that a sink put aside, the oldest first, and then the one that it writes to, as far as that went when
 * the reading began.
 *
 * @param begins - what every line begins with
 */
export function fileCopy(path: string, folders: readonly string[], begins: string): CopyReader {
  return {
    async part(after, signal) {
      const place = after === undefined ? undefined : placeOf(after);
      try {
        return await nextPart(await filesOf(await pathWithinFolders(path, folders)), place, begins, signal);
      } catch (error) {
        throw fileFault(error);
      }
    },
  };
}

function placeOf(after: string): Place {
  const [, file, at, id, size] = PLACE.exec(after) ?? [];
  if (file === undefined || id === undefined) throw noSuchPart();
  return { file, at: Number(at), end: { id, size: Number(size) } };
}

/** Those that are there, the oldest first. */
async function filesOf(path: string): Promise<KnownFile[]> {
  const paths = [...(await putAside(path)).map((name) => join(dirname(path), name)), path];
  const found = await Promise.all(paths.map(fileAt));
  return found.filter((file) => file !== undefined);
}

async function fileAt(path: string): Promise<KnownFile | undefined> {
  try {
    const { ino, birthtimeNs, size } = await lstat(path, { bigint: true });
    return { id: `${ino}.${birthtimeNs}`, path, size: Number(size) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function nextPart(
  files: readonly KnownFile[],
  place: Place | undefined,
  begins: string,
  signal: AbortSignal,
): Promise<CopyPart> {
  const end = place?.end ?? files.at(-1);
  if (end === undefined) return { lines: [], next: null };
  const first = place === undefined ? 0 : files.findIndex(({ id }) => id === place.file);
  const last = files.findIndex(({ id }) => id === end.id);
  if (first < 0 || last < 0) throw changed('The file that was read last is not kept any more.');
  for (const file of files.slice(first, last + 1)) {
    const at = file.id === place?.file ? place.at : 0;
    const size = file.id === end.id ? Math.min(end.size, file.size) : file.size;
    const { lines, bytes } = await linesAt({ ...file, size }, { at, begins }, signal);
    if (lines.length > 0) return { lines, next: `${file.id}-${at + bytes}-${end.id}-${end.size}` };
  }
  return { lines: [], next: null };
}

interface Lines {
  readonly lines: readonly string[];
  readonly bytes: number;
}

async function linesAt(
  { path, id, size }: KnownFile,
  { at, begins }: { readonly at: number; readonly begins: string },
  signal: AbortSignal,
): Promise<Lines> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = await handle.stat({ bigint: true });
    if (`${stat.ino}.${stat.birthtimeNs}` !== id || !stat.isFile()) {
      throw changed('The file was put aside this moment.');
    }
    if (at >= size) return { lines: [], bytes: 0 };
    const start = await bytesOf(handle, 0, Math.min(begins.length, size));
    if (!begins.startsWith(start.toString('utf8'))) return { lines: [NO_EVENTS], bytes: size - at };
    const { lines, bytes } = await wholeLines(handle, at, size, signal);
    return { bytes, lines: lines.map((line) => (line === '' || line.startsWith(begins) ? line : NO_EVENT)) };
  } finally {
    await handle.close();
  }
}

async function wholeLines(handle: FileHandle, at: number, size: number, signal: AbortSignal): Promise<Lines> {
  const read = await bytesOf(handle, at, Math.min(COPY_PART_BYTES, size - at));
  const end = read.lastIndexOf(LINE_FEED) + 1;
  if (end > 0)
    return {
      bytes: end,
      lines: read
        .subarray(0, end - 1)
        .toString('utf8')
        .split('\n'),
    };
  // what has no end for so long is no line of ours; nor is what was left at the end of a file
  const left = read.length === COPY_PART_BYTES || (await stays(handle, size, signal));
  return left && read.length > 0
    ? { bytes: read.length, lines: [read.toString('utf8')] }
    : { bytes: 0, lines: [] };
}

async function bytesOf(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

/** Whether nobody goes on writing behind this size. */
async function stays(handle: FileHandle, size: number, signal: AbortSignal): Promise<boolean> {
  await setTimeout(SECOND_LOOK_MS, undefined, { signal });
  return (await handle.stat()).size === size;
}

function changed(what: string): CountersignError {
  return new CountersignError('conflict', `${what} Begin anew.`);
}
