import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { formatTlogProof, parseTlogProof } from '../tlog/proof-format.ts';
import { ByteReader } from './byte-reader.ts';
import { OPENING_BYTES } from './commitment.ts';
import { LOG_STAPLE_MAX } from './limits.ts';
import { EPOCH_ENTRY_BYTES } from './log-entry.ts';
import { VRF_PROOF_BYTES } from './vrf.ts';

/** That a version is in the log; not that it is the newest of its name (`LogStaple`). Nothing of it is verified. */
export interface VersionProof {
  /** Of the version's own entry, and its inclusion in the checkpoint's tree. */
  readonly index: number;
  readonly inclusion: readonly Uint8Array[];
  /** The note, as the log and its cosigners signed it. */
  readonly checkpoint: string;
  /** The epoch entry, 57 bytes, which is the last of the tree, and its inclusion. */
  readonly epochEntry: Uint8Array;
  readonly epochInclusion: readonly Uint8Array[];
  /** The key in entry 0, and the inclusion of entry 0 in the same tree. */
  readonly vrfPublicKey: Uint8Array;
  readonly startInclusion: readonly Uint8Array[];
  /** Of the version's commitment, 16 bytes. */
  readonly opening: Uint8Array;
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
    counted(proof.epochInclusion),
    counted(proof.startInclusion),
    ofLength(proof.opening, OPENING_BYTES),
    ofLength(proof.vrfProof, VRF_PROOF_BYTES),
  );
  return formatTlogProof({ index, hashes, checkpoint, extra });
}

/** Parses a proof, all of which its sender controls. Throws `log_proof`. */
export function parseVersionProof(text: string): VersionProof {
  if (text.length > LOG_STAPLE_MAX) throw new CountersignError('log_proof', 'the log proof is too long');
  const { index, hashes, checkpoint, extra } = parseTlogProof(text);
  const reader = new ByteReader(extra ?? new Uint8Array());
  if (reader.u8() !== FORMAT)
    throw new CountersignError('log_proof', 'the log proof is of an unknown format');
  const hashList = () => reader.list(reader.u8(), () => reader.take(32));
  const parts = {
    epochEntry: reader.take(EPOCH_ENTRY_BYTES),
    vrfPublicKey: reader.take(32),
    epochInclusion: hashList(),
    startInclusion: hashList(),
    opening: reader.take(OPENING_BYTES),
    vrfProof: reader.take(VRF_PROOF_BYTES),
  };
  reader.end();
  return { index, inclusion: hashes, checkpoint, ...parts };
}

function counted(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length > 255) throw new CountersignError('log_proof', 'the log proof has too many parts');
  return concatBytes(Uint8Array.of(hashes.length), ...hashes.map((hash) => ofLength(hash, 32)));
}

function ofLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length)
    throw new CountersignError('log_proof', 'a part of the log proof has another length');
  return bytes;
}
