import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CountersignError } from '../../../protocol/errors.ts';
import { lockFolder } from './folder-lock.ts';
import { alarmSchema, type StateRecord, stateRecordSchema } from './state-record.ts';

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
  /**
   * Writes an alarm down where the record cannot be saved, into room that was taken before; null takes it back. It is in
   * the record of whoever opens the folder next. Throws what the disk throws.
   */
  keepAlarm(alarm: StateRecord['alarm']): Promise<void>;
  /** Lets the next process in. */
  close(): Promise<void>;
}

const RECORD = 'audit.json';
const ENTRIES = 'entries';
const ALARM = 'alarm';
/** Of the file that waits for an alarm: more than one needs, so that a full disk has room for it. */
const ALARM_BYTES = 4_096;
const PRIVATE = 0o600;

/** Throws `audit_state` for a state that is damaged, or in use. */
export async function openStateFolder(path: string): Promise<StateFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const unlock = lockFolder(resolve(path));
  try {
    const alarm = await openAlarm(path);
    const record = withAlarm(await readRecord(path), alarm);
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
    keepAlarm: (alarm) => writeAlarm(path, alarm ?? null),
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

/** What was written down for want of room for the record. The file is made, in full, where it is not there yet. */
async function openAlarm(path: string): Promise<StateRecord['alarm']> {
  let text: string;
  try {
    text = await readFile(join(path, ALARM), 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await orStorageFull(replaceFile(path, ALARM, alarmText(null)));
    return null;
  }
  try {
    return alarmSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw damagedState(path, `${ALARM} is not as this version writes it`, cause);
  }
}

function withAlarm(record: StateRecord | undefined, alarm: StateRecord['alarm']): StateRecord | undefined {
  if (record === undefined || !alarm || record.alarm) return record;
  return { ...record, alarm };
}

/** In place: what is there already has its room on the disk. */
async function writeAlarm(path: string, alarm: NonNullable<StateRecord['alarm']> | null): Promise<void> {
  const file = await open(join(path, ALARM), 'r+');
  try {
    await file.write(alarmText(alarm), 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Always as long; of what an alarm says only where its evidence is could be too long, and that is left out then. */
function alarmText(alarm: NonNullable<StateRecord['alarm']> | null): string {
  const text = JSON.stringify(alarm);
  if (Buffer.byteLength(text) <= ALARM_BYTES) return text + ' '.repeat(ALARM_BYTES - Buffer.byteLength(text));
  return alarmText(alarm === null ? null : { ...alarm, evidence: '' });
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
