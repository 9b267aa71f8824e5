import { readFileSync } from 'node:fs';
import { unlink, writeFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { entityId } from '../../protocol/claims.ts';
import { deviceFingerprint } from '../../protocol/device-comparison.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { wrappedKeySchema } from '../../protocol/escrow/escrow-record.ts';
import type { RecoveryApproval, RecoveryCase, RecoveryHalf } from '../../protocol/escrow/organization-api.ts';
import {
  escrowShareContext,
  organizationBoxes,
  releasedShareContext,
  verifyOrganizationEscrow,
} from '../../protocol/escrow/organization-escrow.ts';
import { recoveryHalfTranscript } from '../../protocol/escrow/organization-key.ts';
import { makePassphrase } from '../../protocol/escrow/passphrase.ts';
import { unwrapRecoveryKey, wrapRecoveryKey } from '../../protocol/escrow/recovery-key.ts';
import { encryptionKeySchema, thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { openSealed, sealTo } from '../../recrypt/sealed-box.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { UsageError } from './usage-error.ts';

const officerFileSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  half: encryptionKeySchema,
  /** The private half, under the officer's passphrase. */
  wrapped: wrappedKeySchema,
});

/** One administrator's half of the organization's recovery key, as it rests on their machine. */
export type OfficerFile = z.infer<typeof officerFileSchema>;

/** Whose key it is: nobody's among the people. */
const OWNER = 'organization';

/** Makes a half under a new passphrase, which only whoever calls ever sees, and the proof to register it with. */
export async function makeOfficerKey(
  engine: TransformEngine,
  iss: string,
): Promise<{ file: OfficerFile; passphrase: string; registration: RecoveryHalf }> {
  const { privateKey, publicKey } = engine.generateKeyPair();
  const half = preToJwk(publicKey);
  const passphrase = makePassphrase();
  const wrapped = await wrapRecoveryKey({ iss, sub: OWNER, recovery_key: half }, privateKey, passphrase);
  const proof = engine.schnorrSign(privateKey, publicKey, recoveryHalfTranscript(iss, half));
  privateKey.fill(0);
  return {
    file: { v: 1, iss, half, wrapped },
    passphrase,
    registration: { half, proof: encodeBase64url(proof) },
  };
}

/**
 * The share of this officer's half, sealed to the asking device, if that is the one whose fingerprint the person told. What
 * the bridge says is attacker-controlled: the share opens only if it was sealed for the person of this address, and what
 * goes out opens only on the device that was compared. The officer sees a random share and nothing of the vault. Throws
 * `device_comparison`, `escrow_mismatch`, `recovery_half`, `passphrase_wrong`, `recrypt_decrypt_failed`.
 */
export async function releaseShare(
  engine: TransformEngine,
  { file, passphrase }: { file: OfficerFile; passphrase: string },
  asked: RecoveryCase,
  told: { readonly address: string; readonly fingerprint: string },
): Promise<RecoveryApproval> {
  const { iss, half } = file;
  const { sub, device_key: pre, device_sig: sig, current } = asked;
  const fingerprint = deviceFingerprint({ iss, sub, pre, sig });
  if (told.fingerprint.replaceAll(/\s/g, '') !== fingerprint) throw new CountersignError('device_comparison');
  const claims = await verifyOrganizationEscrow(asked.escrow.token, current.statement);
  const index = claims.halves.findIndex((one) => thumbprint(one) === thumbprint(half));
  const box = organizationBoxes(claims, asked.escrow)[index];
  if (box === undefined) throw new CountersignError('recovery_half', 'This file holds another half.');
  const person = { iss, sub, address: told.address, key_version: claims.key_version };
  const privateKey = await unwrapRecoveryKey(
    { iss, sub: OWNER, recovery_key: half },
    file.wrapped,
    passphrase,
  );
  try {
    const share = await openSealed(engine, privateKey, box, escrowShareContext(person, half), 0);
    const aad = releasedShareContext(person, half, { id: asked.id, fingerprint });
    const sealed = await sealTo(engine, preFromJwk(engine, pre), share, aad);
    share.fill(0);
    return { half: thumbprint(half), share: encodeBase64url(sealed) };
  } finally {
    privateKey.fill(0);
  }
}

/** Its text is never quoted. */
export function readOfficerFile(path: string): OfficerFile {
  try {
    const file = officerFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    decodeBase64url(file.wrapped.key, 48);
    return file;
  } catch {
    throw new UsageError(`${path} cannot be read, or holds no half of a recovery key.`);
  }
}

/** A new file that only its owner can read. Never overwrites. */
export async function writeOfficerFile(path: string, file: OfficerFile): Promise<{ undo(): Promise<void> }> {
  try {
    await writeFile(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new UsageError(`The file ${path} exists already, or cannot be written.`, { cause });
  }
  return { undo: () => unlink(path) };
}
