import { CountersignError } from '../../../protocol/errors.ts';
import type { NoteSigner } from '../../../protocol/tlog/checkpoint.ts';
import { cosign } from '../../../protocol/tlog/cosignature.ts';
import { formatNote, formatSignatureLine, parseNote } from '../../../protocol/tlog/signed-note.ts';
import { AUDIT_COSIGN_AGAIN_S } from '../../lib/limits.ts';
import type { StateRecord } from './state-record.ts';

type Signed = NonNullable<StateRecord['signed']>;

/** Whether the checkpoint that was verified last has no cosignature of this key at the log yet, or an old one. */
export function isCosignatureDue(
  { verified, signed }: StateRecord,
  { name }: NoteSigner,
  now: number,
): boolean {
  if (verified === null) return false;
  const isSame = signed !== null && signed.name === name && signed.size === verified.size;
  return !isSame || !signed.delivered || now - signed.time >= AUDIT_COSIGN_AGAIN_S;
}

/**
 * Cosigns the checkpoint that was verified last, as a second statement under the auditor's own key: replayed in full,
 * every rule kept (C2SP tlog-cosignature, type 0x04). `keep` stores what is about to be signed before it is.
 *
 * Throws `audit_state` rather than sign a checkpoint beside or behind one that was signed before.
 */
export async function cosignVerified(
  { verified, signed }: StateRecord,
  signer: NoteSigner,
  time: number,
  keep: (next: Signed) => Promise<void>,
): Promise<{ line: string; note: string; signed: Signed }> {
  if (verified === null) throw new CountersignError('internal', 'nothing was verified');
  if (signed !== null && (signed.size > verified.size || isFork(signed, verified))) {
    throw new CountersignError(
      'audit_state',
      `A checkpoint of size ${signed.size} was cosigned that is not this log’s.`,
    );
  }
  const next = { name: signer.name, size: verified.size, root: verified.root, time, delivered: false };
  await keep(next);
  const { text } = parseNote(verified.note);
  const signature = await cosign(signer, text, time);
  return {
    line: formatSignatureLine(signature),
    note: formatNote({ text, signatures: [signature] }),
    signed: next,
  };
}

function isFork(signed: Signed, verified: { size: number; root: string }): boolean {
  return signed.size === verified.size && signed.root !== verified.root;
}
