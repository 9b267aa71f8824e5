import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The text of a file, or null where there is none. */
export async function readPrivateFile(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Writes for the owner only (0600), all or nothing, and on the disk when this returns. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Runs `task` while nobody else holds `path`.lock. A lock older than `staleMs` was left by a process that died: tasks
 * are far shorter.
 */
export async function withFileLock<Result>(
  path: string,
  task: () => Promise<Result>,
  staleMs = 60_000,
): Promise<Result> {
  const lock = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mark = randomUUID();
  while (!(await createExclusively(lock, mark))) {
    await breakStaleLock(lock, staleMs);
    await pause(LOCK_PAUSE_MS);
  }
  try {
    return await task();
  } finally {
    // Not ours any more if we took so long that it was broken.
    if ((await readPrivateFile(lock)) === mark) await rm(lock, { force: true });
  }
}

const LOCK_PAUSE_MS = 20;

/** Whether the file was made; false if there is one. */
async function createExclusively(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (isErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** One at a time, and looked at again then: of two who saw the old lock, the second must not remove the new one. */
async function breakStaleLock(lock: string, staleMs: number): Promise<void> {
  if (!(await isStale(lock, staleMs))) return;
  const breaking = `${lock}.breaking`;
  if (await createExclusively(breaking, '')) {
    if (await isStale(lock, staleMs)) await rm(lock, { force: true });
    await rm(breaking, { force: true });
  } else if (await isStale(breaking, staleMs)) {
    await rm(breaking, { force: true });
  }
}

async function isStale(path: string, staleMs: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs >= staleMs;
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
