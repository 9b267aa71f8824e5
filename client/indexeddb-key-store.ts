import * as z from 'zod/mini';
import { utf8 } from '../protocol/bytes.ts';
import { entityId, seconds } from '../protocol/claims.ts';
import type { SigningKey } from '../protocol/ed25519.ts';
import { CountersignError } from '../protocol/errors.ts';
import { signatureKeySchema, thumbprint } from '../protocol/public-key.ts';
import type { PrePrivateKey } from '../recrypt/transform-engine.ts';
import { indexedDbRecord } from './indexeddb-database.ts';
import type { DeviceSecrets, KeyStore } from './key-store.ts';

const lockedKey = (usage: KeyUsage) =>
  z.custom<CryptoKey>(
    (value) => value instanceof CryptoKey && !value.extractable && value.usages.includes(usage),
  );
const binary = z.custom<Uint8Array<ArrayBuffer>>((value) => value instanceof Uint8Array);

const wrappedKey = z.strictObject({ wrappingKey: lockedKey('decrypt'), nonce: binary, wrapped: binary });

const storedSchema = z.strictObject({
  v: z.literal(1),
  issuer: entityId,
  sig: z.strictObject({ privateKey: lockedKey('sign'), publicKey: signatureKeySchema }),
  pre: wrappedKey,
  next: z.optional(wrappedKey),
  tokens: z.nullable(
    z.strictObject({ accessToken: z.string(), refreshToken: z.nullable(z.string()), expires: seconds }),
  ),
});
type Stored = z.infer<typeof storedSchema>;

/**
 * Device keys and tokens in IndexedDB, in the database `name` of the page's origin; the pin store may have the same
 * name. `sig` is stored as a WebCrypto key that no script can export. recrypt computes with bytes, so its key is
 * stored encrypted under an AES key that cannot be exported either: who copies the values has nothing, but a script
 * in the page can do whatever the page can (docs/guides/browser.md).
 */
export function createIndexedDbKeyStore(name: string): KeyStore {
  const record = indexedDbRecord(name, 'device');
  return {
    extractable: false,
    exclusively: record.exclusively,
    async load() {
      const value = await record.read();
      return value === undefined ? null : decode(value);
    },
    save: async (secrets) => record.write(await encode(secrets)),
    clear: () => record.remove(),
  };
}

async function encode({ issuer, sig, pre, next, tokens }: DeviceSecrets): Promise<Stored> {
  if (sig.privateKey.extractable) {
    throw new CountersignError('key_store_invalid', 'only keys that cannot be exported are kept here');
  }
  const { privateKey, publicKey } = sig;
  return {
    ...{ v: 1, issuer, sig: { privateKey, publicKey }, pre: await wrap(pre, issuer), tokens },
    ...(next === undefined ? {} : { next: await wrap(next, issuer) }),
  };
}

async function decode(value: unknown): Promise<DeviceSecrets> {
  const stored = storedSchema.safeParse(value);
  if (!stored.success) throw new CountersignError('key_store_invalid');
  const { issuer, sig, pre, next, tokens } = stored.data;
  const signingKey: SigningKey = { ...sig, kid: thumbprint(sig.publicKey) };
  return {
    ...{ issuer, sig: signingKey, pre: await unwrap(pre, issuer), tokens },
    ...(next === undefined ? {} : { next: await unwrap(next, issuer) }),
  };
}

const AES = { name: 'AES-GCM', length: 256 };
const NONCE_BYTES = 12;

/** A new key each time: none ever encrypts twice. */
async function wrap(pre: PrePrivateKey, issuer: string): Promise<Stored['pre']> {
  const wrappingKey = await crypto.subtle.generateKey(AES, false, ['encrypt', 'decrypt']);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const wrapped = await crypto.subtle.encrypt(parameters(nonce, issuer), wrappingKey, Uint8Array.from(pre));
  return { wrappingKey, nonce, wrapped: new Uint8Array(wrapped) };
}

async function unwrap(
  { wrappingKey, nonce, wrapped }: Stored['pre'],
  issuer: string,
): Promise<PrePrivateKey> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(nonce, issuer), wrappingKey, wrapped));
  } catch (cause) {
    throw new CountersignError('key_store_invalid', undefined, { cause });
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, issuer: string): AesGcmParams {
  return { name: AES.name, iv, additionalData: utf8(`countersign/device-key/v1\n${issuer}`) };
}
