import { concatBytes } from '../bytes.ts';
import { formatTlogProof } from '../tlog/proof-format.ts';
import { OPENING_BYTES } from './commitment.ts';
import { EPOCH_ENTRY_BYTES } from './log-entry.ts';
import { type EpochProof, hashListBytes, ofLength, readHashList, readProofText } from './proof-parts.ts';
import { VRF_PROOF_BYTES } from './vrf.ts';

/** That a version is in the log; not that it is the newest of its name (`LogStaple`). Nothing of it is verified. */
export interface VersionProof extends EpochProof {
  /** Of the version's own entry, and its inclusion in the checkpoint's tree. */
  readonly index: number;
  readonly inclusion: readonly Uint8Array[];
  /** The VRF proof of name and version, 80 bytes. */
  readonly vrfProof: Uint8Array;
}

/** The first byte says which of the proofs it is; 1 is a `LogStaple`. */
const FORMAT = 2;

/**
 * A proof as text: a C2SP tlog-proof of the version's entry, whose extra data are
 * `u8 format = 2 ‖ epoch entry[57] ‖ vrf_public_key[32] ‖ u8 n ‖ n × hash[32] (the epoch entry's inclusion) ‖
 * u8 n ‖ n × hash[32] (entry 0's) ‖ opening[16] ‖ vrf_proof[80]`. Throws `log_proof` for a member of another length.
 */
export function encodeVersionProof(proof: VersionProof): string {
  const { index, inclusion: hashes, checkpoint } = proof;
  const extra = concatBytes(
    Uint8Array.of(FORMAT),
    ofLength(proof.epochEntry, EPOCH_ENTRY_BYTES),
    ofLength(proof.vrfPublicKey, 32),
    hashListBytes(proof.epochInclusion),
    hashListBytes(proof.startInclusion),
    ofLength(proof.opening, OPENING_BYTES),
    ofLength(proof.vrfProof, VRF_PROOF_BYTES),
  );
  return formatTlogProof({ index, hashes, checkpoint, extra });
}

/** Parses a proof, all of which its sender controls. Throws `log_proof`. */
export function parseVersionProof(text: string): VersionProof {
  const { proof, reader } = readProofText(text, FORMAT);
  const parts = {
    epochEntry: reader.take(EPOCH_ENTRY_BYTES),
    vrfPublicKey: reader.take(32),
    epochInclusion: readHashList(reader),
    startInclusion: readHashList(reader),
    opening: reader.take(OPENING_BYTES),
    vrfProof: reader.take(VRF_PROOF_BYTES),
  };
  reader.end();
  const { index, hashes: inclusion, checkpoint } = proof;
  return { index, inclusion, checkpoint, ...parts };
}
