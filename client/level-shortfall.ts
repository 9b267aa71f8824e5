import { encodeBase64url } from '../protocol/base64url.ts';
import type { VerifiedLog } from '../protocol/keytrans/log-proof.ts';
import { cosignersOf, type LogTrust } from '../protocol/keytrans/log-trust.ts';
import { parseTlogProof } from '../protocol/tlog/proof-format.ts';
import { parseNote } from '../protocol/tlog/signed-note.ts';
import type { VerifierKey } from '../protocol/tlog/verifier-key.ts';
import type { Shortfall } from './answers.ts';
import type { CheckpointPin } from './pin-store.ts';

/** The checkpoint of a log proof that was verified. */
export function checkpointOf(staple: string, log: VerifiedLog): CheckpointPin {
  return {
    size: log.checkpoint.size,
    root: encodeBase64url(log.checkpoint.root),
    epoch: log.epoch,
    time: log.time,
    level: log.level,
    note: parseTlogProof(staple).checkpoint,
  };
}

/** Why the level is not a higher one, of a checkpoint whose note was verified under this trust. Null at the highest. */
export function shortfallOf(log: VerifiedLog, note: string, trust: LogTrust | undefined): Shortfall | null {
  if (log.level === 'audited') return null;
  const { witnesses, auditors } = cosignersOf(trust, []);
  const { signatures } = parseNote(note);
  const signed = (keys: readonly VerifierKey[]) =>
    keys.filter(({ name, keyId }) => signatures.some((each) => each.name === name && each.keyId === keyId));
  const [keys, quorum, none, missing, old] =
    log.level === 'logged'
      ? ([witnesses, trust?.witnessQuorum ?? 0, 'no_witnesses', 'witness_quorum', 'witnesses_old'] as const)
      : ([auditors, trust?.auditorQuorum ?? 0, 'no_auditors', 'auditor_quorum', 'auditors_old'] as const);
  if (quorum < 1 || keys.length < quorum) return none;
  // Whoever is trusted and has signed, but did not count, signed too long ago.
  return signed(keys).length >= quorum ? old : missing;
}
