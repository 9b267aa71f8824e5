import { existsSync, readFileSync } from 'node:fs';
import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { equalBytes } from '../../protocol/bytes.ts';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  signBytes,
  verifyBytes,
} from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { signatureKeySchema } from '../../protocol/public-key.ts';
import { isKeyName } from '../../protocol/tlog/signed-note.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Database } from '../storage/database.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { findWitnessKey, insertWitnessKey, type WitnessKey, witnessKey } from '../tlog/witness-key.ts';
import { UsageError } from './usage-error.ts';

/** Where a witness alone keeps what it has: its key, and what it cosigned. Neither is of any use without the other. */
const KEY_FILE = 'witness-key.json';
const DATABASE_FILE = 'witness.db';

const keyFileSchema = z.strictObject({
  v: z.literal(1),
  name: z.string().refine(isKeyName),
  key: z.strictObject({ ...signatureKeySchema.shape, d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) }),
});

export interface WitnessFolder {
  readonly key: WitnessKey;
  readonly database: Database;
}

/** Makes a new witness; nothing is overwritten. Answers its verifier key. */
export async function initializeWitnessFolder(
  folder: string,
  name: string,
  clock: Clock = systemClock,
): Promise<string> {
  if (!isKeyName(name)) throw new UsageError('A witness’s name has no spaces and no plus signs.');
  await mkdir(folder, { recursive: true });
  if (existsSync(join(folder, DATABASE_FILE))) {
    throw new UsageError(`${folder} has a witness’s database already: nothing was changed.`);
  }
  const signing = await generateSigningKey(true);
  const file = { v: 1, name, key: await exportSigningKey(signing) };
  const path = join(folder, KEY_FILE);
  try {
    await writeFile(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new UsageError(`The file ${path} exists already or cannot be written.`, { cause });
  }
  try {
    const key = witnessKey(name, signing);
    const database = await openSqlite({ path: join(folder, DATABASE_FILE), clock });
    try {
      await database.migrate();
      const row = { name, public_key: key.publicKey, sealed: null, created_at: clock.now() };
      await database.transaction((tx) => insertWitnessKey(tx, row));
    } finally {
      await database.close();
    }
    return key.vkey;
  } catch (error) {
    await unlink(path);
    throw error;
  }
}

/**
 * Opens a witness. Throws `state_refused` where key and database are not those of one witness: with an empty database
 * a witness would cosign a second history of every log that it has cosigned before.
 */
export async function openWitnessFolder(folder: string, clock: Clock = systemClock): Promise<WitnessFolder> {
  const key = await readKeyFile(join(folder, KEY_FILE));
  const path = join(folder, DATABASE_FILE);
  if (!existsSync(path)) throw doubtful(`${path} is missing`);
  const database = await openSqlite({ path, clock });
  try {
    await database.migrate();
    const stored = await database.read((query) => findWitnessKey(query, key.name));
    if (stored === undefined || !equalBytes(stored.public_key, key.publicKey)) {
      throw doubtful(`${path} is the record of another key`);
    }
    return { key, database };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The text of the file is never quoted. */
async function readKeyFile(path: string): Promise<WitnessKey> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new UsageError(
      `${path} cannot be read, or is no key of a witness. Run \`countersign witness init\`.`,
    );
  }
  const parsed = keyFileSchema.safeParse(value);
  if (!parsed.success) throw new CountersignError('key_invalid', `${path} is no key of a witness.`);
  const signing = await importSigningKey(parsed.data.key);
  const probe = crypto.getRandomValues(new Uint8Array(32));
  if (!(await verifyBytes(signing.publicKey, probe, await signBytes(signing, probe)))) {
    throw new CountersignError(
      'key_invalid',
      `The private and public key in ${path} do not belong together.`,
    );
  }
  return witnessKey(parsed.data.name, signing);
}

function doubtful(what: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `${what}. A witness that forgot what it cosigned must not go on under the same key: restore the database, or make ` +
      'a new witness with another name.',
  );
}
