import { CountersignError } from '../errors.ts';
import { hashLeaf, verifyInclusion } from '../tlog/merkle.ts';
import { commit } from './commitment.ts';
import { type LoggedKind, label, vrfInput } from './label.ts';
import { encodeLogEntry } from './log-entry.ts';
import { type LogContext, verifyLogEpoch } from './log-epoch.ts';
import type { VerifiedLog } from './log-proof.ts';
import { parseVersionProof } from './version-proof-format.ts';
import { vrfOutput, vrfVerify } from './vrf.ts';

/** What a version proof must show, and under whose keys. Only `proof` comes from the one who is not trusted. */
export interface VersionClaim extends LogContext {
  readonly proof: string;
  readonly kind: LoggedKind;
  /** In its one form. */
  readonly name: string;
  readonly version: number;
  /** What the version is. */
  readonly value: Uint8Array;
}

/** A version that is in the log, newest or not. */
export interface LoggedEntry extends VerifiedLog {
  /** Of its entry, which never changes. */
  readonly index: number;
}

/**
 * Verifies offline that a version of a name, with this value, has its entry in the log: the commitment that its opening
 * opens, at the place in the map that the VRF key of entry 0 gives it. Nothing is said of later versions; that is what
 * `verifyLogStaple` is for. Throws as that does.
 */
export async function verifyLoggedVersion(claim: VersionClaim): Promise<LoggedEntry> {
  const proof = parseVersionProof(claim.proof);
  const { prefixRoot, ...verified } = await verifyLogEpoch(proof, claim);
  const { size, root } = verified.checkpoint;
  if (proof.index >= size - 1) throw new CountersignError('log_proof', 'the version is not before its epoch');
  const { kind, name, version, value } = claim;
  const named = label(kind, name);
  const output = vrfOutput(vrfVerify(proof.vrfPublicKey, vrfInput(named, version), proof.vrfProof));
  const commitment = commit({ opening: proof.opening, label: named, version, value });
  const leafHash = hashLeaf(encodeLogEntry({ kind: 'version', output, commitment }));
  verifyInclusion({ index: proof.index, size, leafHash, proof: proof.inclusion, root });
  return { ...verified, index: proof.index };
}
