import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { provenSigningKey, readVault } from '../../client/own-vault.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { entityId, id } from '../../protocol/claims.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { wrappedKeySchema } from '../../protocol/escrow/escrow-record.ts';
import {
  type KeptEscrow,
  type ReleasedReading,
  readerFingerprint,
  releasedKeptContext,
} from '../../protocol/escrow/kept-escrow.ts';
import { joinShares, verifyOrganizationEscrow } from '../../protocol/escrow/organization-escrow.ts';
import { makePassphrase } from '../../protocol/escrow/passphrase.ts';
import { unwrapRecoveryKey, wrapRecoveryKey } from '../../protocol/escrow/recovery-key.ts';
import { encryptionKeySchema } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { openSealed } from '../../recrypt/sealed-box.ts';
import type { PrePrivateKey, TransformEngine } from '../../recrypt/transform-engine.ts';
import { UsageError } from './usage-error.ts';

const readerFileSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  /** The closed person whose own it reads. */
  sub: id,
  reader: encryptionKeySchema,
  /** Its private half, under the passphrase of this file. */
  wrapped: wrappedKeySchema,
});

/** The key of one reading, as it rests on the machine of the administrator who asked for it. */
export type ReaderFile = z.infer<typeof readerFileSchema>;

/** Bytes of s, behind the content of the vault. */
const SHARE_BYTES = 32;

/** Makes a key for the reading of one closed person's, under a new passphrase, with the fingerprint to tell the two. */
export async function makeReaderKey(
  engine: TransformEngine,
  iss: string,
  { sub }: Pick<KeptEscrow, 'sub'>,
): Promise<{ file: ReaderFile; passphrase: string; fingerprint: string }> {
  const { privateKey, publicKey } = engine.generateKeyPair();
  const reader = preToJwk(publicKey);
  const passphrase = makePassphrase();
  const wrapped = await wrapRecoveryKey({ iss, sub, recovery_key: reader }, privateKey, passphrase);
  privateKey.fill(0);
  return {
    file: { v: 1, iss, sub, reader, wrapped },
    passphrase,
    fingerprint: readerFingerprint({ iss, sub }, reader),
  };
}

/**
 * The private key of what was encrypted to the closed person, from what two administrators released to this reader. It is
 * theirs if its public half is the one in their statement. The statement is the bridge's word, and whatever is read is
 * shown to be the person's by its `sig`: so that must be the one whose private half was released too, or the bridge could
 * have endorsed a device of its own. The caller drops the key. Throws `escrow_mismatch`, `passphrase_wrong`,
 * `recrypt_decrypt_failed`, `vault_mismatch`.
 */
export async function openReleased(
  engine: TransformEngine,
  { file, passphrase }: { file: ReaderFile; passphrase: string },
  { id: reading, address, token, shares, current: { statement } }: ReleasedReading,
): Promise<PrePrivateKey> {
  const { iss, sub, reader, wrapped } = file;
  if (statement.iss !== iss || statement.sub !== sub || statement.address !== address) {
    throw new CountersignError('escrow_mismatch', 'it is of another person than this file');
  }
  const { halves } = await verifyOrganizationEscrow(token, statement);
  const fingerprint = readerFingerprint(file, reader);
  const privateKey = await unwrapRecoveryKey({ iss, sub, recovery_key: reader }, wrapped, passphrase);
  try {
    const open = (share: string, half: (typeof halves)[0]) => {
      const aad = releasedKeptContext(statement, half, { id: reading, fingerprint });
      return openSealed(engine, privateKey, decodeBase64url(share), aad, 0);
    };
    const first = await open(shares[0], halves[0]);
    const second = await open(shares[1], halves[1]);
    const joined = joinShares(first, second);
    const content = readVault(joined.subarray(0, -SHARE_BYTES));
    await provenSigningKey(content, statement.keys[1]);
    const key = engine.addPrivateKeys(decodeBase64url(content.pre, 32), joined.slice(-SHARE_BYTES));
    for (const bytes of [first, second, joined]) bytes.fill(0);
    assertTheirs(engine, key, preFromJwk(engine, statement.keys[0]));
    return key;
  } finally {
    privateKey.fill(0);
  }
}

function assertTheirs(
  engine: TransformEngine,
  key: PrePrivateKey,
  { x, y }: { readonly x: Uint8Array; readonly y: Uint8Array },
): void {
  const own = engine.computePublicKey(key);
  if (!equalBytes(own.x, x) || !equalBytes(own.y, y)) throw new CountersignError('vault_mismatch');
}

/** Its text is never quoted. */
export function readReaderFile(path: string): ReaderFile {
  try {
    return readerFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new UsageError(`${path} cannot be read, or holds no key of a reading.`);
  }
}
