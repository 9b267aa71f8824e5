import { open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CountersignError } from '../../../protocol/errors.ts';
import type { Evidence } from './evidence.ts';
import { hasCode, orStorageFull } from './state-folder.ts';

/** Files of one name that prove nothing by themselves: a log that seems to break rules at each run must not fill the disk. */
const FILES = 20;

/**
 * Writes evidence to a new file, `path` or one with a number behind its name, and answers which. It is on the disk then.
 * A file is never written over: what an earlier alarm left may prove more. Evidence of the same finding under the same
 * checkpoints, with no more entries, is not written again. What is `proven` is always written: its alarm stands until
 * somebody has looked, so there are few, and a log must not get rid of it by lesser ones before.
 *
 * Throws `storage_full`, and `audit_evidence` once there are too many.
 */
export async function writeEvidence(
  path: string,
  evidence: Evidence,
  { proven }: { readonly proven: boolean } = { proven: false },
): Promise<string> {
  for (let number = 1; proven || number <= FILES; number += 1) {
    const name = number === 1 ? path : path.replace(/(\.[^./]*)?$/, `-${number}$1`);
    if (await writeNew(name, `${JSON.stringify(evidence, null, 2)}\n`)) return name;
    if (await saysAsMuch(name, evidence)) return name;
  }
  throw new CountersignError(
    'audit_evidence',
    `There are ${FILES} files of evidence beside ${path}. This one was not written: move the others away first.`,
  );
}

async function writeNew(path: string, text: string): Promise<boolean> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    await orStorageFull(file.writeFile(text));
    await orStorageFull(file.sync());
  } catch (error) {
    // half of it is no evidence, and would stand in the way of the whole
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
  return true;
}

async function saysAsMuch(path: string, { finding, checkpoints, entries }: Evidence): Promise<boolean> {
  let known: Partial<Evidence>;
  try {
    known = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return false;
  }
  const isSame =
    isDeepStrictEqual(known.finding, finding) && isDeepStrictEqual(known.checkpoints, checkpoints);
  return isSame && (known.entries?.length ?? 0) >= entries.length;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
