import { CountersignError } from '../../protocol/errors.ts';
import { verifyCosignature } from '../../protocol/tlog/cosignature.ts';
import { formatSignatureLine, type NoteSignature } from '../../protocol/tlog/signed-note.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { CLOCK_SKEW_S, COSIGNATURE_AGE_S } from '../lib/limits.ts';
import type { Cosignature, CosignerKind } from './cosignature-store.ts';

/** Who may cosign a log of ours, as configured. */
export interface Cosigner {
  readonly key: VerifierKey;
  readonly kind: CosignerKind;
}

/**
 * Those of `signatures` that are of known cosigners, verified over the note text. Others are passed over (C2SP
 * signed-note). The other side chose every byte: what does not verify must never be stored, since whoever serves a
 * wrong line under a known key makes the whole note void.
 *
 * Throws `note_signature` when the signature of a known key is wrong, or its time is not about now.
 */
export async function checkCosignatures(
  cosigners: readonly Cosigner[],
  noteText: string,
  signatures: readonly NoteSignature[],
  now: number,
  /** Hears the time of each that verifies, about now or not. */
  hear: (key: VerifierKey, time: number) => void = () => undefined,
): Promise<Cosignature[]> {
  const checked: Cosignature[] = [];
  for (const signature of signatures) {
    const cosigner = cosigners.find(({ key }) => isOf(key, signature));
    if (cosigner === undefined) continue;
    const { key, kind } = cosigner;
    const { time } = await verifyCosignature(key, noteText, signature);
    hear(key, time);
    if (time > now + CLOCK_SKEW_S || time < now - COSIGNATURE_AGE_S) {
      throw new CountersignError('note_signature', `the clock of ${key.name} is wrong`);
    }
    checked.push({ key, kind, time, line: formatSignatureLine(signature) });
  }
  return checked;
}

function isOf(key: VerifierKey, { name, keyId }: NoteSignature): boolean {
  return key.name === name && key.keyId === keyId;
}
