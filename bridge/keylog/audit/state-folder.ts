import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CountersignError } from '../../../protocol/errors.ts';
import { lockFolder } from './folder-lock.ts';
import { type StateRecord, stateRecordSchema } from './state-record.ts';

/**
 * The folder in which an auditor keeps its own copy of a log (`entries`) and what it verified of it (`audit.json`). One
 * process at a time. The record says how much of `entries` counts, and is replaced as a whole, after the entries are on
 * the disk: whatever interrupts us, the next run finds the last record that was complete.
 */
export interface StateFolder {
  readonly path: string;
  /** What the last run kept; undefined before the first. */
  readonly record: StateRecord | undefined;
  /** The file of the entries, as long as the record says; the caller writes behind that. */
  readonly entries: FileHandle;
  /** On the disk when it returns, with everything written to `entries` before. Throws `storage_full`. */
  save(record: StateRecord): Promise<void>;
  /** Lets the next process in. */
  close(): Promise<void>;
}

const RECORD = 'audit.json';
const ENTRIES = 'entries';
const PRIVATE = 0o600;

/** Throws `audit_state` for a state that is damaged, or in use. */
export async function openStateFolder(path: string): Promise<StateFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const unlock = lockFolder(resolve(path));
  try {
    const record = await readRecord(path);
    const file = await open(join(path, ENTRIES), constants.O_RDWR | constants.O_CREAT, PRIVATE);
    try {
      await cutBack(file, record, path);
    } catch (error) {
      await file.close();
      throw error;
    }
    return folderOf(path, record, file, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function folderOf(
  path: string,
  record: StateRecord | undefined,
  entries: FileHandle,
  unlock: () => void,
): StateFolder {
  return {
    path,
    record,
    entries,
    async save(next) {
      await orStorageFull(entries.datasync());
      await orStorageFull(replaceFile(path, RECORD, `${JSON.stringify(next, null, 2)}\n`));
    },
    async close() {
      await entries.close();
      unlock();
    },
  };
}

/** The error for a state that must not be built on. */
export function damagedState(path: string, why: string, cause?: unknown): CountersignError {
  const advice =
    'Nothing was verified or signed. If nobody should have touched the folder, keep it for inquiry. To begin again, ' +
    'move it away and name the root key that you trust with --root, or an empty folder would trust whichever it meets.';
  return new CountersignError('audit_state', `The state in ${path} is damaged: ${why}.\n${advice}`, {
    cause,
  });
}

async function readRecord(path: string): Promise<StateRecord | undefined> {
  let text: string;
  try {
    text = await readFile(join(path, RECORD), 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damagedState(path, `${RECORD} does not parse`, cause);
  }
  const parsed = stateRecordSchema.safeParse(value);
  if (!parsed.success) throw damagedState(path, `${RECORD} is not as this version writes it`, parsed.error);
  return parsed.data;
}

/** What stands behind the record's end is of a run that was interrupted. */
async function cutBack(file: FileHandle, record: StateRecord | undefined, path: string): Promise<void> {
  const { size } = await file.stat();
  const bytes = record?.entries.bytes ?? 0;
  if (record === undefined && size > 0) throw damagedState(path, `${ENTRIES} is there, ${RECORD} is not`);
  if (size < bytes) throw damagedState(path, `${ENTRIES} has ${size} bytes of ${bytes}`);
  if (size > bytes) await file.truncate(bytes);
}

/** All or nothing, and on the disk when this returns. */
async function replaceFile(folder: string, name: string, text: string): Promise<void> {
  const temporary = join(folder, `${name}.new`);
  const file = await open(temporary, 'w', PRIVATE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The task's end, with a full disk under its own name. */
export async function orStorageFull<Result>(task: Promise<Result>): Promise<Result> {
  try {
    return await task;
  } catch (error) {
    throw hasCode(error, 'ENOSPC')
      ? new CountersignError('storage_full', undefined, { cause: error })
      : error;
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
