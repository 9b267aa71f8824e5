import { encodeBase64url } from '../../../protocol/base64url.ts';
import { type Checkpoint, openCheckpoint } from '../../../protocol/tlog/checkpoint.ts';
import {
  formatVerifierKey,
  parseVerifierKey,
  type VerifierKey,
} from '../../../protocol/tlog/verifier-key.ts';
import type { SignedCheckpoint } from './state-record.ts';

/**
 * A note that the log served, verified under its keys, as it is kept. Throws `note_malformed`, `log_origin`,
 * `note_signature`.
 */
export async function verifiedCheckpoint(
  note: string,
  trusted: { origin: string; logKeys: readonly VerifierKey[] },
): Promise<{ checkpoint: Checkpoint; kept: SignedCheckpoint }> {
  const { checkpoint, verified } = await openCheckpoint(note, trusted);
  const kept = {
    size: checkpoint.size,
    root: encodeBase64url(checkpoint.root),
    note,
    log_keys: verified.map(({ key }) => formatVerifierKey(key)),
  };
  return { checkpoint, kept };
}

/** A checkpoint that was kept, or came with evidence, verified under the keys that stand beside it. */
export async function openCheckpointOf(
  { note, log_keys }: Pick<SignedCheckpoint, 'note' | 'log_keys'>,
  origin: string,
): Promise<Checkpoint> {
  const logKeys = log_keys.map((vkey) => parseVerifierKey(vkey));
  return (await openCheckpoint(note, { origin, logKeys })).checkpoint;
}
