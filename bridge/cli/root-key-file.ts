import { readFileSync } from 'node:fs';
import { unlink, writeFile } from 'node:fs/promises';
import type { SigningKey } from '../../protocol/ed25519.ts';
import { createRootKey, openRootKey } from '../signer/root-key.ts';
import { UsageError } from './usage-error.ts';

/** Reads a root key file. Its text is never quoted. */
export async function readRootKeyFile(path: string): Promise<SigningKey> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new UsageError(`${path} cannot be read, or is no root key file.`);
  }
  return openRootKey(value);
}

/** Makes a root and writes it to a new file that only its owner can read. Never overwrites. */
export async function writeRootKeyFile(
  path: string,
): Promise<{ root: SigningKey; undo: () => Promise<void> }> {
  const file = await createRootKey();
  try {
    await writeFile(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const why = taken ? 'exists already, and a root key is never overwritten' : 'cannot be written';
    throw new UsageError(`The file ${path} ${why}.`, { cause });
  }
  return { root: await openRootKey(file), undo: () => unlink(path) };
}
