import { rm } from 'node:fs/promises';
import * as z from 'zod/mini';
import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts';
import { bytes32, entityId, seconds } from '../protocol/claims.ts';
import { exportSigningKey, importSigningKey } from '../protocol/ed25519.ts';
import { CountersignError } from '../protocol/errors.ts';
import { signatureKeySchema } from '../protocol/public-key.ts';
import type { DeviceSecrets, KeyStore } from './key-store.ts';
import { readPrivateFile, writePrivateFile } from './node-private-file.ts';

const storedSchema = z.strictObject({
  v: z.literal(1),
  issuer: entityId,
  sig: z.extend(signatureKeySchema, { d: bytes32 }),
  pre: bytes32,
  next: z.optional(bytes32),
  tokens: z.nullable(
    z.strictObject({ accessToken: z.string(), refreshToken: z.nullable(z.string()), expires: seconds }),
  ),
});

/**
 * Device keys and tokens in one file, not encrypted: it is protected by its mode (0600) and by what protects the disk.
 * Whoever reads it is this device until the device is removed. For accounts of machines and for the command line; a
 * desktop app should keep keys in the platform's store behind the same port.
 */
export function createFileKeyStore(path: string): KeyStore {
  return {
    extractable: true,
    async load() {
      const text = await readPrivateFile(path);
      return text === null ? null : decode(text);
    },
    async save(secrets) {
      await writePrivateFile(path, await encode(secrets));
    },
    clear: () => rm(path, { force: true }),
  };
}

async function encode(secrets: DeviceSecrets): Promise<string> {
  return JSON.stringify({
    v: 1,
    issuer: secrets.issuer,
    sig: await exportSigningKey(secrets.sig),
    pre: encodeBase64url(secrets.pre),
    ...(secrets.next === undefined ? {} : { next: encodeBase64url(secrets.next) }),
    tokens: secrets.tokens,
  });
}

async function decode(text: string): Promise<DeviceSecrets> {
  let parsed: ReturnType<typeof storedSchema.safeParse>;
  try {
    parsed = storedSchema.safeParse(JSON.parse(text));
  } catch {
    parsed = storedSchema.safeParse(null);
  }
  // No cause: what a parser quotes of this text is private keys.
  if (!parsed.success) throw new CountersignError('key_store_invalid');
  const { issuer, sig, pre, next, tokens } = parsed.data;
  return {
    ...{ issuer, sig: await importSigningKey(sig, true), pre: decodeBase64url(pre, 32), tokens },
    ...(next === undefined ? {} : { next: decodeBase64url(next, 32) }),
  };
}
