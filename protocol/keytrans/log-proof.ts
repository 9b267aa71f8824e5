import { equalBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { CLOCK_SKEW } from '../jws.ts';
import type { OnlineKey } from '../online-keys.ts';
import { type Checkpoint, openCheckpoint } from '../tlog/checkpoint.ts';
import { logVerifierKey } from '../tlog/log-keys.ts';
import { hashLeaf, verifyInclusion } from '../tlog/merkle.ts';
import type { VerifierKey } from '../tlog/verifier-key.ts';
import type { VerifiedSignature } from '../tlog/verify-note.ts';
import { commit } from './commitment.ts';
import { type LoggedKind, label, vrfInput } from './label.ts';
import { ladderVersions } from './ladder.ts';
import { type EpochEntry, encodeLogEntry, parseLogEntry } from './log-entry.ts';
import { type LogRung, type LogStaple, parseLogStaple } from './log-staple.ts';
import { cosignersOf, type LogStanding, type LogTrust, standingOf } from './log-trust.ts';
import { type PrefixSearch, rootFromPrefixProof } from './prefix-tree.ts';
import { vrfOutput, vrfVerify } from './vrf.ts';

/** What a log proof must show, and under whose keys. Only `staple` comes from the one who is not trusted. */
export interface LogClaim {
  readonly staple: string;
  readonly kind: LoggedKind;
  /** In its one form. */
  readonly name: string;
  /** That is there, and the newest. */
  readonly version: number;
  /** What the version is: a statement's bytes. */
  readonly value: Uint8Array;
  /** `logOrigin` of the issuer. */
  readonly origin: string;
  /** The issuer's online keys of purpose `log`, none of them compromised. */
  readonly logKeys: readonly OnlineKey[];
  readonly trust: LogTrust | undefined;
  /** Seconds. */
  readonly now: number;
}

/** A version that is in the log, and the newest of its name as of an epoch. */
export interface VerifiedLog extends LogStanding {
  readonly epoch: number;
  /** When the epoch closed, seconds. */
  readonly time: number;
  readonly checkpoint: Checkpoint;
}

/**
 * Verifies a log proof offline (PROTOCOL §7): the checkpoint is the issuer's; it ends with an epoch; in that epoch's map
 * stands this value as this version of this name, with every lower rung of the ladder and no higher one, all under the
 * VRF key of entry 0.
 *
 * Throws `log_proof`, `vrf_invalid`, `log_origin`, `note_malformed`, `note_signature` (a wrong signature of a known
 * cosigner too), `claims_invalid` for a name or version that no log holds, and `key_invalid` and `log_policy_invalid`
 * for a policy that names no cosigners' keys.
 */
export async function verifyLogStaple(claim: LogClaim): Promise<VerifiedLog> {
  const staple = parseLogStaple(claim.staple);
  const logKeys = claim.logKeys.map((key) => logVerifierKey(claim.origin, key));
  const cosigners = cosignersOf(claim.trust, logKeys);
  const { checkpoint, verified } = await openCheckpoint(staple.checkpoint, {
    origin: claim.origin,
    logKeys,
    cosigners: [...cosigners.witnesses, ...cosigners.auditors],
  });
  const epoch = epochAtEndOf(checkpoint, staple);
  const time = Math.floor(epoch.time / 1000);
  if (time > claim.now + CLOCK_SKEW) throw refused('the epoch is in the future');
  assertKeyInUseThen(claim.logKeys, logKeys, verified, time);
  assertInMap(staple, claim, epoch.prefixRoot);
  const standing = standingOf(verified, cosigners, claim.trust, { epochTime: time, now: claim.now });
  return { ...standing, epoch: epoch.epoch, time, checkpoint };
}

/** The epoch entry, which is the last of the tree; entry 0 with the VRF key is in the same tree. */
function epochAtEndOf({ size, root }: Checkpoint, staple: LogStaple): EpochEntry {
  const { index, epochEntry, epochInclusion, startInclusion, vrfPublicKey } = staple;
  if (index !== size - 1) throw refused('the epoch is not the last entry of the log');
  verifyInclusion({ index, size, leafHash: hashLeaf(epochEntry), proof: epochInclusion, root });
  const start = hashLeaf(encodeLogEntry({ kind: 'start', vrfPublicKey }));
  verifyInclusion({ index: 0, size, leafHash: start, proof: startInclusion, root });
  const epoch = parseLogEntry(epochEntry);
  if (epoch.kind !== 'epoch') throw refused('the last entry of the log closes no epoch');
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

/** The ladder of the version: what it must find is in the map of this root, and what it must not find is not. */
function assertInMap(staple: LogStaple, claim: LogClaim, root: Uint8Array): void {
  const { version, value } = claim;
  const name = label(claim.kind, claim.name);
  const ladder = ladderVersions(version);
  if (staple.rungs.length !== ladder.length) throw refused('the ladder has another number of rungs');
  const own = commit({ opening: staple.opening, label: name, version, value });
  const searches = ladder.map((rung, index): PrefixSearch => {
    const { proof, commitment } = rungAt(staple.rungs, index);
    if ((commitment !== undefined) !== rung < version) {
      throw refused('a rung has a commitment that it may not have, or lacks its own');
    }
    const output = vrfOutput(vrfVerify(staple.vrfPublicKey, vrfInput(name, rung), proof));
    return { output, commitment: rung === version ? own : commitment };
  });
  if (!equalBytes(rootFromPrefixProof(staple.prefixProof, searches), root)) {
    throw refused('the map of the epoch is another');
  }
}

function rungAt(rungs: readonly LogRung[], index: number): LogRung {
  const rung = rungs[index];
  if (rung === undefined) throw refused('a rung of the ladder is missing');
  return rung;
}

function refused(detail: string): CountersignError {
  return new CountersignError('log_proof', detail);
}
