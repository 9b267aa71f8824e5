import { concatBytes, utf8 } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import type { NoteSignature, NoteSigner } from './signed-note.ts';
import { ED25519_COSIGNATURE, type VerifierKey, verifierKey, verifyWithKey } from './verifier-key.ts';

const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/**
 * That the signer saw this checkpoint, consistent with all it saw before of the log, at `time` (C2SP
 * tlog-cosignature, type 0x04). Seconds since the epoch. Who calls must have checked and stored that first.
 */
export async function cosign(signer: NoteSigner, noteText: string, time: number): Promise<NoteSignature> {
  if (!Number.isSafeInteger(time) || time < 0)
    throw new CountersignError('internal', 'not a time in seconds');
  const { name, keyId } = verifierKey(signer.name, ED25519_COSIGNATURE, signer.publicKey);
  const stamp = new Uint8Array(TIME_BYTES);
  new DataView(stamp.buffer).setBigUint64(0, BigInt(time));
  return { name, keyId, bytes: concatBytes(stamp, await signer.sign(cosignedMessage(noteText, time))) };
}

/**
 * When the cosigner saw the checkpoint, seconds since the epoch, as it says itself: a time in the future is the
 * caller's to judge. Throws `note_signature`.
 */
export async function verifyCosignature(
  key: VerifierKey,
  noteText: string,
  { bytes }: Pick<NoteSignature, 'bytes'>,
): Promise<{ time: number }> {
  if (key.type !== ED25519_COSIGNATURE || bytes.length !== TIME_BYTES + SIGNATURE_BYTES) refuse(key);
  const time = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  if (!Number.isSafeInteger(time)) refuse(key);
  const message = cosignedMessage(noteText, time);
  if (!(await verifyWithKey(key, message, bytes.subarray(TIME_BYTES)))) refuse(key);
  return { time };
}

function cosignedMessage(noteText: string, time: number): Uint8Array<ArrayBuffer> {
  return utf8(`cosignature/v1\ntime ${time}\n${noteText}`);
}

function refuse({ name }: VerifierKey): never {
  throw new CountersignError('note_signature', `the cosignature of ${name} is wrong`);
}
