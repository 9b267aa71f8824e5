import { equalBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { commit } from './commitment.ts';
import { type LoggedKind, label, vrfInput } from './label.ts';
import { ladderVersions } from './ladder.ts';
import { type LogContext, type VerifiedEpoch, verifyLogEpoch } from './log-epoch.ts';
import { type LogRung, type LogStaple, parseLogStaple } from './log-staple.ts';
import { type PrefixSearch, rootFromPrefixProof } from './prefix-tree.ts';
import { vrfOutput, vrfVerify } from './vrf.ts';

/** What a log proof must show, and under whose keys. Only `staple` comes from the one who is not trusted. */
export interface LogClaim extends LogContext {
  readonly staple: string;
  readonly kind: LoggedKind;
  /** In its one form. */
  readonly name: string;
  /** That is there, and the newest. */
  readonly version: number;
  /** What the version is: a statement's bytes. */
  readonly value: Uint8Array;
}

/** A version that is in the log, and the newest of its name as of an epoch. */
export type VerifiedLog = Omit<VerifiedEpoch, 'prefixRoot'>;

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
  const { prefixRoot, ...verified } = await verifyLogEpoch(staple, claim);
  if (staple.index !== verified.checkpoint.size - 1)
    throw refused('the epoch is not the last entry of the log');
  assertInMap(staple, claim, prefixRoot);
  return verified;
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
