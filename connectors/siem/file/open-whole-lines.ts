import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CountersignError } from '../../../protocol/errors.ts';

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;

/** Events tell who did what: the bridge reads and writes, its group (a collector) reads. */
const MODE = 0o640;

const TAIL_BYTES = 64 * 1024;

/**
 * Opens a file of lines to append to, or makes it. A last line without an end, as a crash or a full disk leaves it, is
 * cut off: its event was not settled, and comes again. A file that does not begin as its lines do is somebody else's
 * and is not touched: `sink_misconfigured`. Otherwise errors of the file system.
 */
export async function openWholeLines(path: string, begins: string): Promise<FileHandle> {
  const handle = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, MODE);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw foreign('is no ordinary file');
    if (stat.size > 0) {
      await assertBegins(handle, begins, stat.size);
      const whole = await endOfLastLine(handle, stat.size);
      if (whole < stat.size) await handle.truncate(whole);
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function assertBegins(handle: FileHandle, begins: string, size: number): Promise<void> {
  const expected = Buffer.from(begins).subarray(0, size);
  const { buffer } = await handle.read(Buffer.alloc(expected.length), 0, expected.length, 0);
  if (!buffer.equals(expected)) throw foreign('holds something else than events in this format');
}

/** The size that the file has without a last line that was not finished. */
async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
    const at = buffer.subarray(0, bytesRead).lastIndexOf('\n');
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

function foreign(why: string): CountersignError {
  return new CountersignError('sink_misconfigured', `There is a file of this name already, which ${why}.`);
}
