import { utf8 } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { verifyCosignature } from './cosignature.ts';
import type { Note, NoteSignature } from './signed-note.ts';
import { ED25519_COSIGNATURE, type VerifierKey, verifyWithKey } from './verifier-key.ts';

/** A signature of a known key that is right. */
export interface VerifiedSignature {
  readonly key: VerifierKey;
  readonly signature: NoteSignature;
  /** Of a cosignature: when the cosigner says that it saw the checkpoint, seconds since the epoch. */
  readonly time?: number;
}

/**
 * The signatures of known keys, at most one for each key: of several cosignatures the newest. Those of unknown keys,
 * which share at most a name or an id with a known one, are passed over (C2SP signed-note).
 *
 * Throws `note_signature` when a signature of a known key is wrong, or no known key has signed.
 */
export async function verifyNote(note: Note, keys: readonly VerifierKey[]): Promise<VerifiedSignature[]> {
  const verified = new Map<VerifierKey, VerifiedSignature>();
  for (const signature of note.signatures) {
    const key = keys.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
    if (key === undefined) continue;
    const next = await verifySignature(key, note.text, signature);
    const before = verified.get(key);
    if (before === undefined || (next.time ?? 0) > (before.time ?? 0)) verified.set(key, next);
  }
  if (verified.size === 0) throw new CountersignError('note_signature', 'no known key has signed the note');
  return [...verified.values()];
}

async function verifySignature(
  key: VerifierKey,
  text: string,
  signature: NoteSignature,
): Promise<VerifiedSignature> {
  if (key.type === ED25519_COSIGNATURE) {
    return { key, signature, ...(await verifyCosignature(key, text, signature)) };
  }
  if (!(await verifyWithKey(key, utf8(text), signature.bytes))) {
    throw new CountersignError('note_signature', `the signature of ${key.name} is wrong`);
  }
  return { key, signature };
}
