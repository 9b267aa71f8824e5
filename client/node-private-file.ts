import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
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
 * Runs `task` while this process alone holds `path`.lock. A lock older than `staleMs` was left by a process that
 * died: tasks are far shorter.
 */
export async function withFileLock<Result>(
  path: string,
  task: () => Promise<Result>,
  staleMs = 60_000,
): Promise<Result> {
  const lock = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const held = await acquire(lock, staleMs);
  try {
    return await task();
  } finally {
    await held.close();
    await rm(lock, { force: true });
  }
}

const LOCK_PAUSE_MS = 20;

async function acquire(lock: string, staleMs: number): Promise<FileHandle> {
  for (;;) {
    try {
      return await open(lock, 'wx', 0o600);
    } catch (error) {
      if (!isErrorCode(error, 'EEXIST')) throw error;
    }
    await breakStaleLock(lock, staleMs);
    await pause(LOCK_PAUSE_MS);
  }
}

/** Renamed before it is removed: of two that see a stale lock, one gets it, and a fresh lock is never removed. */
async function breakStaleLock(lock: string, staleMs: number): Promise<void> {
  try {
    const seen = await stat(lock);
    if (Date.now() - seen.mtimeMs < staleMs) return;
    const aside = `${lock}.${randomUUID()}.stale`;
    await rename(lock, aside);
    await rm(aside, { force: true });
  } catch (error) {
    if (!isErrorCode(error, 'ENOENT')) throw error;
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
