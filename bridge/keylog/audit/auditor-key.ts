import { open, readFile } from 'node:fs/promises';
import * as z from 'zod';
import { decodeBase64url, encodeBase64url } from '../../../protocol/base64url.ts';
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  signBytes,
} from '../../../protocol/ed25519.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { signatureKeySchema } from '../../../protocol/public-key.ts';
import type { NoteSigner } from '../../../protocol/tlog/checkpoint.ts';
import {
  ED25519_COSIGNATURE,
  formatVerifierKey,
  parseVerifierKey,
  verifierKey,
  verifyWithKey,
} from '../../../protocol/tlog/verifier-key.ts';

/** The file of an auditor's own key. */
const auditorKeySchema = z.strictObject({
  v: z.literal(1),
  /** Name and public half, as bridges are configured with it. */
  vkey: z.string(),
  key: z.strictObject({ ...signatureKeySchema.shape, d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) }),
});

/**
 * Makes a key under this name and writes it to a new file that only its owner can read; answers the vkey. Throws
 * `key_invalid` for a name that no key can bear, and `conflict` for a file that is there: a key is never overwritten.
 */
export async function createAuditorKey(path: string, name: string): Promise<string> {
  const key = await generateSigningKey(true);
  const publicKey = decodeBase64url(key.publicKey.x, 32);
  const vkey = formatVerifierKey(verifierKey(name, ED25519_COSIGNATURE, publicKey));
  const text = JSON.stringify({ v: 1, vkey, key: await exportSigningKey(key) }, null, 2);
  const file = await open(path, 'wx', 0o600).catch((cause: unknown) => {
    throw new CountersignError('conflict', `${path} is there already, or cannot be written.`, { cause });
  });
  try {
    await file.writeFile(`${text}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return vkey;
}

/** Opens the key of a file. Throws `key_invalid`, which never quotes the file. */
export async function openAuditorKey(path: string): Promise<NoteSigner> {
  const parsed = auditorKeySchema.safeParse(await readJson(path));
  // The zod error is not handed on as a cause: it could quote the private key.
  if (!parsed.success)
    throw new CountersignError('key_invalid', `${path} is not the file of an auditor’s key.`);
  const key = await importSigningKey(parsed.data.key);
  const known = parseVerifierKey(parsed.data.vkey);
  const sign = async (message: Uint8Array<ArrayBuffer>) => decodeBase64url(await signBytes(key, message), 64);
  const probe = crypto.getRandomValues(new Uint8Array(32));
  const belongs =
    encodeBase64url(known.publicKey) === key.publicKey.x &&
    known.type === ED25519_COSIGNATURE &&
    (await verifyWithKey(known, probe, await sign(probe)));
  if (!belongs) throw new CountersignError('key_invalid', `The parts of ${path} do not belong together.`);
  return { name: known.name, publicKey: known.publicKey, sign };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    throw new CountersignError('key_invalid', `${path} cannot be read, or is no JSON.`);
  }
}
