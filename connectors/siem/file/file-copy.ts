import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CountersignError } from '../../../protocol/errors.ts';
import { COPY_PART_BYTES, type CopyPart, type CopyReader, noSuchPart } from '../copy-reader.ts';
import { fileFault } from './file-fault.ts';
import { pathWithinFolders } from './file-folders.ts';
import { putAside } from './rotation.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const LINE_FEED = 10;
/** The file by its inode, which it keeps when it is put aside, and the bytes that were read of it. */
const PLACE = /^(\d{1,20})-(\d{1,15})$/;

interface Place {
  readonly file: bigint;
  readonly at: number;
}

/** Reads the files that a sink put aside, the oldest first, and then the one that it writes to. */
export function fileCopy(path: string, folders: readonly string[]): CopyReader {
  return {
    async part(after) {
      const place = after === undefined ? undefined : placeOf(after);
      try {
        return await nextPart(await pathWithinFolders(path, folders), place);
      } catch (error) {
        throw fileFault(error);
      }
    },
  };
}

function placeOf(after: string): Place {
  const [, file, at] = PLACE.exec(after) ?? [];
  if (file === undefined || at === undefined) throw noSuchPart();
  return { file: BigInt(file), at: Number(at) };
}

async function nextPart(path: string, place: Place | undefined): Promise<CopyPart> {
  const paths = [...(await putAside(path)).map((name) => join(dirname(path), name)), path];
  let reached = place === undefined;
  for (const one of paths) {
    const file = await inodeOf(one);
    if (file === undefined) continue;
    reached ||= file === place?.file;
    if (!reached) continue;
    const at = file === place?.file ? place.at : 0;
    const { lines, bytes } = await linesAt(one, { file, at }, one === path);
    if (lines.length > 0) return { lines, next: `${file}-${at + bytes}` };
  }
  if (!reached) throw changed('The file that was read last is not kept any more.');
  return { lines: [], next: null };
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await lstat(path, { bigint: true })).ino;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param growing - whether the sink writes to it: a last line without an end is being written then */
async function linesAt(path: string, { file, at }: Place, growing: boolean) {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = await handle.stat({ bigint: true });
    if (stat.ino !== file || !stat.isFile()) throw changed('The file was put aside this moment.');
    return await wholeLines(handle, at, growing);
  } finally {
    await handle.close();
  }
}

async function wholeLines(handle: FileHandle, at: number, growing: boolean) {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(COPY_PART_BYTES), 0, COPY_PART_BYTES, at);
  const read = buffer.subarray(0, bytesRead);
  const end = read.lastIndexOf(LINE_FEED) + 1;
  // what has no end for so long is no line of ours; nor is what was left at the end of a file that was put aside
  const bytes = end === 0 && (bytesRead === COPY_PART_BYTES || !growing) ? bytesRead : end;
  const text = read.subarray(0, bytes).toString('utf8').replace(/\n$/, '');
  return { bytes, lines: bytes === 0 ? [] : text.split('\n') };
}

function changed(what: string): CountersignError {
  return new CountersignError('conflict', `${what} Begin anew.`);
}
