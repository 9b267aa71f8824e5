import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Behind the name of a file that was put aside: when, in UTC; names then sort by age. */
const STAMP = /^\.\d{8}T\d{9}Z$/;

/** Puts the file aside under a name with the time, and lets the oldest go. */
export async function rotate(path: string, now: number, keep: number): Promise<void> {
  await rename(path, await freeName(path, now));
  const old = (await putAside(path)).slice(0, -keep);
  for (const name of old) await rm(join(dirname(path), name), { force: true });
  await syncFolder(path);
}

/** Names of the files that were put aside, the oldest first. */
export async function putAside(path: string): Promise<string[]> {
  const name = basename(path);
  const names = await readdir(dirname(path));
  return names.filter((one) => one.startsWith(name) && STAMP.test(one.slice(name.length))).toSorted();
}

/** A clock that was set back must not make one file replace another. */
async function freeName(path: string, now: number): Promise<string> {
  const taken = new Set(await putAside(path));
  for (let at = now; ; at += 1) {
    const stamped = `${path}.${new Date(at).toISOString().replace(/[-:.]/g, '')}`;
    if (!taken.has(basename(stamped))) return stamped;
  }
}

/** So that a name survives a crash. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
