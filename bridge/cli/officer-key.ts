import { readFileSync } from 'node:fs';
import { unlink, writeFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import { entityId } from '../../protocol/claims.ts';
import { deviceFingerprint } from '../../protocol/device-comparison.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { wrappedKeySchema } from '../../protocol/escrow/escrow-record.ts';
import {
  keptShareContext,
  readerFingerprint,
  releasedKeptContext,
} from '../../protocol/escrow/kept-escrow.ts';
import type {
  DrillAnswer,
  RecoveryApproval,
  RecoveryCase,
  RecoveryDrill,
  RecoveryHalf,
  RecoveryKey,
  ReplacementApproval,
} from '../../protocol/escrow/organization-api.ts';
import {
  escrowShareContext,
  organizationBoxes,
  releasedShareContext,
  verifyOrganizationEscrow,
} from '../../protocol/escrow/organization-escrow.ts';
import {
  organizationKeyFingerprint,
  recoveryDrillContext,
  recoveryHalfTranscript,
  successionTranscript,
} from '../../protocol/escrow/organization-key.ts';
import { makePassphrase } from '../../protocol/escrow/passphrase.ts';
import { unwrapRecoveryKey, wrapRecoveryKey } from '../../protocol/escrow/recovery-key.ts';
import { encryptionKeySchema, thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { openSealed, sealTo } from '../../recrypt/sealed-box.ts';
import type { PrePrivateKey, TransformEngine } from '../../recrypt/transform-engine.ts';
import type { ReaderFile } from './escrow-reader.ts';
import { pairOf } from './recovery-halves.ts';
import type { Terminal } from './terminal.ts';
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
 * The share of this officer's half, sealed to the asking device, or to the reader of a closed person's, if that is the one
 * whose fingerprint the officer was told. What the bridge says is attacker-controlled: the share opens only if it was sealed
 * for the person of this address, and what goes out opens only for who was compared, as what they were compared: the
 * fingerprint of a reader is none of a device. The officer sees a random share and nothing of the vault. Throws
 * `device_comparison`, `escrow_mismatch`, `recovery_half`, `passphrase_wrong`, `recrypt_decrypt_failed`.
 */
export async function releaseShare(
  engine: TransformEngine,
  { file, passphrase }: { file: OfficerFile; passphrase: string },
  asked: RecoveryCase,
  told: { readonly address: string; readonly fingerprint: string },
): Promise<RecoveryApproval> {
  const { iss, half } = file;
  const { device_key: pre, current } = asked;
  const fingerprint = fingerprintOf(iss, asked);
  if (told.fingerprint.replaceAll(/\s/g, '') !== fingerprint) throw new CountersignError('device_comparison');
  const claims = await verifyOrganizationEscrow(asked.escrow.token, current.statement);
  const index = claims.halves.findIndex((one) => thumbprint(one) === thumbprint(half));
  const box = organizationBoxes(claims, asked.escrow)[index];
  if (box === undefined) throw new CountersignError('recovery_half', 'This file holds another half.');
  const person = { iss, sub: asked.sub, address: told.address, key_version: claims.key_version };
  const privateKey = await unwrapHalf(file, passphrase);
  try {
    const open = (sealed: Uint8Array, aad: Uint8Array) => openSealed(engine, privateKey, sealed, aad, 0);
    const ofContent = await open(box, escrowShareContext(person, half));
    const kept = asked.kept_boxes?.[index];
    const ofShare =
      kept === undefined
        ? new Uint8Array()
        : await open(decodeBase64url(kept), keptShareContext(person, half));
    const share = concatBytes(ofContent, ofShare);
    const context = kept === undefined ? releasedShareContext : releasedKeptContext;
    const aad = context(person, half, { id: asked.id, fingerprint });
    const sealed = await sealTo(engine, preFromJwk(engine, pre), share, aad);
    for (const bytes of [ofContent, ofShare, share]) bytes.fill(0);
    return { half: thumbprint(half), share: encodeBase64url(sealed) };
  } finally {
    privateKey.fill(0);
  }
}

/**
 * This officer's half of before says which key takes its place: the one whose fingerprint they were told, and not the one
 * that the bridge calls so. Throws `recovery_half`, `passphrase_wrong`.
 */
export async function signSuccession(
  engine: TransformEngine,
  { file, passphrase }: { file: OfficerFile; passphrase: string },
  { halves, replacement }: RecoveryKey,
  told: string,
): Promise<Pick<ReplacementApproval, 'half' | 'signature'>> {
  const { iss, half } = file;
  const [before, next] = [pairOf(halves), pairOf(replacement?.halves ?? [])];
  if (before === null || next === null) throw new CountersignError('recovery_half');
  if (!before.some((one) => thumbprint(one) === thumbprint(half))) {
    throw new CountersignError('recovery_half', 'This file holds another half.');
  }
  if (organizationKeyFingerprint(iss, next) !== told) {
    throw new CountersignError('recovery_half', 'The new halves are not those that you were told.');
  }
  const transcript = successionTranscript(iss, before, next);
  const privateKey = await unwrapHalf(file, passphrase);
  try {
    const signature = engine.schnorrSign(privateKey, preFromJwk(engine, half), transcript);
    return { half: thumbprint(half), signature: encodeBase64url(signature) };
  } finally {
    privateKey.fill(0);
  }
}

/** What this officer's half opens of a drill; nothing else opens as that. Throws `recovery_half`, `recrypt_decrypt_failed`. */
export async function answerDrill(
  engine: TransformEngine,
  { file, passphrase }: { file: OfficerFile; passphrase: string },
  { id: drill, boxes }: RecoveryDrill,
): Promise<DrillAnswer> {
  const { iss, half } = file;
  const own = boxes.find((one) => one.half === thumbprint(half));
  if (own === undefined) throw new CountersignError('recovery_half', 'This file holds another half.');
  const privateKey = await unwrapHalf(file, passphrase);
  try {
    const aad = recoveryDrillContext({ iss, drill }, half);
    const opened = await openSealed(engine, privateKey, decodeBase64url(own.box), aad, 0);
    return { half: own.half, opened: encodeBase64url(opened) };
  } finally {
    privateKey.fill(0);
  }
}

function unwrapHalf({ iss, half, wrapped }: OfficerFile, passphrase: string): Promise<PrePrivateKey> {
  return unwrapRecoveryKey({ iss, sub: OWNER, recovery_key: half }, wrapped, passphrase);
}

/** What the asking device shows, or the reader of a reading. Throws `device_comparison` for what is neither. */
function fingerprintOf(
  iss: string,
  { purpose, sub, device_key: pre, device_sig: sig, kept_boxes }: RecoveryCase,
): string {
  if (purpose === 'reading' && kept_boxes !== null) return readerFingerprint({ iss, sub }, pre);
  if (purpose === 'reading' || kept_boxes !== null || sig === null) {
    throw new CountersignError('device_comparison');
  }
  return deviceFingerprint({ iss, sub, pre, sig });
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
export async function writeOfficerFile(
  path: string,
  file: OfficerFile | ReaderFile,
): Promise<{ undo(): Promise<void> }> {
  try {
    await writeFile(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new UsageError(`The file ${path} exists already, or cannot be written.`, { cause });
  }
  return { undo: () => unlink(path) };
}

/** Of a half, or of a reader's key: from the environment for scripts, else asked for. */
export async function askPassphrase(terminal: Terminal): Promise<string> {
  const given = terminal.env.COUNTERSIGN_OFFICER_PASSPHRASE;
  if (given !== undefined) return given;
  if (!terminal.interactive)
    throw new UsageError('Set COUNTERSIGN_OFFICER_PASSPHRASE, or ask at a terminal.');
  return terminal.askSecret('The passphrase of your key: ');
}
