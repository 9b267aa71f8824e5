import { CountersignError } from '../errors.ts';
import { CLOCK_SKEW } from '../jws.ts';
import type { OnlineKey } from '../online-keys.ts';
import { type Checkpoint, openCheckpoint } from '../tlog/checkpoint.ts';
import { logVerifierKey } from '../tlog/log-keys.ts';
import { hashLeaf, verifyInclusion } from '../tlog/merkle.ts';
import type { VerifierKey } from '../tlog/verifier-key.ts';
import type { VerifiedSignature } from '../tlog/verify-note.ts';
import { type EpochEntry, encodeLogEntry, parseLogEntry } from './log-entry.ts';
import { cosignersOf, type LogStanding, type LogTrust, standingOf } from './log-trust.ts';

/** Under whose keys, and whose policy, a checkpoint of a log counts. */
export interface LogContext {
  /** `logOrigin` of the issuer. */
  readonly origin: string;
  /** The issuer's online keys of purpose `log`, none of them compromised. */
  readonly logKeys: readonly OnlineKey[];
  readonly trust: LogTrust | undefined;
  /** Seconds. */
  readonly now: number;
}

/** The parts of a log proof that show the epoch which it is in. */
export interface ShownEpoch {
  readonly checkpoint: string;
  readonly epochEntry: Uint8Array;
  readonly epochInclusion: readonly Uint8Array[];
  readonly vrfPublicKey: Uint8Array;
  readonly startInclusion: readonly Uint8Array[];
}

/** A checkpoint that ends with an epoch. */
export interface VerifiedEpoch extends LogStanding {
  readonly epoch: number;
  /** When the epoch closed, seconds. */
  readonly time: number;
  readonly checkpoint: Checkpoint;
  /** Of the map at the end of the epoch. */
  readonly prefixRoot: Uint8Array;
}

/**
 * Verifies that a checkpoint is the log's own and ends with this epoch, under the VRF key of entry 0. Throws `log_proof`,
 * `log_origin`, `note_malformed`, `note_signature`, and `key_invalid` and `log_policy_invalid` for a policy that names no
 * cosigners' keys.
 */
export async function verifyLogEpoch(shown: ShownEpoch, context: LogContext): Promise<VerifiedEpoch> {
  const logKeys = context.logKeys.map((key) => logVerifierKey(context.origin, key));
  const cosigners = cosignersOf(context.trust, logKeys);
  const { checkpoint, verified } = await openCheckpoint(shown.checkpoint, {
    origin: context.origin,
    logKeys,
    cosigners: [...cosigners.witnesses, ...cosigners.auditors],
  });
  const epoch = epochAtEndOf(checkpoint, shown);
  const time = Math.floor(epoch.time / 1000);
  if (time > context.now + CLOCK_SKEW) throw new CountersignError('log_proof', 'the epoch is in the future');
  assertKeyInUseThen(context.logKeys, logKeys, verified, time);
  const standing = standingOf(verified, cosigners, context.trust, { epochTime: time, now: context.now });
  return { ...standing, epoch: epoch.epoch, time, checkpoint, prefixRoot: epoch.prefixRoot };
}

/** The epoch entry, which is the last of the tree; entry 0 with the VRF key is in the same tree. */
function epochAtEndOf({ size, root }: Checkpoint, shown: ShownEpoch): EpochEntry {
  const { epochEntry, epochInclusion, startInclusion, vrfPublicKey } = shown;
  verifyInclusion({ index: size - 1, size, leafHash: hashLeaf(epochEntry), proof: epochInclusion, root });
  const start = hashLeaf(encodeLogEntry({ kind: 'start', vrfPublicKey }));
  verifyInclusion({ index: 0, size, leafHash: start, proof: startInclusion, root });
  const epoch = parseLogEntry(epochEntry);
  if (epoch.kind !== 'epoch')
    throw new CountersignError('log_proof', 'the last entry of the log closes no epoch');
  return epoch;
}

/** One of the keys that have signed the checkpoint was in use when the epoch closed. */
function assertKeyInUseThen(
  online: readonly OnlineKey[],
  keys: readonly VerifierKey[],
  verified: readonly VerifiedSignature[],
  time: number,
): void {
  const inUse = online.some(({ nbf, exp }, index) => {
    const signed = verified.some(({ key }) => key === keys[index]);
    return signed && time >= nbf - CLOCK_SKEW && time < exp + CLOCK_SKEW;
  });
  if (!inUse)
    throw new CountersignError('note_signature', 'the log key was not in use when the epoch closed');
}
