import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { formatTlogProof } from '../tlog/proof-format.ts';
import type { ByteReader } from './byte-reader.ts';
import { OPENING_BYTES } from './commitment.ts';
import { EPOCH_ENTRY_BYTES } from './log-entry.ts';
import { encodePrefixProof, readPrefixProof } from './prefix-proof-format.ts';
import type { PrefixProof } from './prefix-tree.ts';
import {
  count,
  type EpochProof,
  hashListBytes,
  ofLength,
  readHashList,
  readProofText,
} from './proof-parts.ts';
import { VRF_PROOF_BYTES } from './vrf.ts';

/** One rung of the ladder, with what the verifier cannot compute. */
export interface LogRung {
  /** The VRF proof, 80 bytes. */
  readonly proof: Uint8Array;
  /** Of a version below the one that is shown; that one's own follows from its opening and value. */
  readonly commitment?: Uint8Array | undefined;
}

/** That a version is in the log and the newest of its name (PROTOCOL §7). Nothing of it is verified. */
export interface LogStaple extends EpochProof {
  /** Of the epoch entry: the last of the checkpoint's tree. */
  readonly index: number;
  /** In the order of `ladderVersions`. */
  readonly rungs: readonly LogRung[];
  /** One search for each rung, in their order. */
  readonly prefixProof: PrefixProof;
}

const FORMAT = 1;

/**
 * A staple as text: a C2SP tlog-proof of the epoch entry, whose extra data are
 * `u8 format = 1 ‖ epoch entry[57] ‖ vrf_public_key[32] ‖ u8 n ‖ n × hash[32] ‖ opening[16] ‖ u8 rungs ‖
 * rungs × (proof[80] ‖ u8 0 | u8 1 ‖ commitment[32]) ‖ PrefixProof`. Throws `log_proof` for a member of another length.
 */
export function encodeLogStaple(staple: LogStaple): string {
  const { index, checkpoint, epochInclusion } = staple;
  const extra = concatBytes(
    Uint8Array.of(FORMAT),
    ofLength(staple.epochEntry, EPOCH_ENTRY_BYTES),
    ofLength(staple.vrfPublicKey, 32),
    hashListBytes(staple.startInclusion),
    ofLength(staple.opening, OPENING_BYTES),
    count(staple.rungs),
    ...staple.rungs.flatMap(rungBytes),
    encodePrefixProof(staple.prefixProof),
  );
  return formatTlogProof({ index, hashes: epochInclusion, checkpoint, extra });
}

/** Parses a staple, all of which its sender controls. Throws `log_proof`. */
export function parseLogStaple(text: string): LogStaple {
  const { proof, reader } = readProofText(text, FORMAT);
  const parts = {
    epochEntry: reader.take(EPOCH_ENTRY_BYTES),
    vrfPublicKey: reader.take(32),
    startInclusion: readHashList(reader),
    opening: reader.take(OPENING_BYTES),
    rungs: reader.list(reader.u8(), () => readRung(reader)),
    prefixProof: readPrefixProof(reader),
  };
  reader.end();
  const { index, hashes: epochInclusion, checkpoint } = proof;
  return { index, epochInclusion, checkpoint, ...parts };
}

function rungBytes({ proof, commitment }: LogRung): Uint8Array[] {
  const own = ofLength(proof, VRF_PROOF_BYTES);
  return commitment === undefined
    ? [own, Uint8Array.of(0)]
    : [own, Uint8Array.of(1), ofLength(commitment, 32)];
}

function readRung(reader: ByteReader): LogRung {
  const proof = reader.take(VRF_PROOF_BYTES);
  const flag = reader.u8();
  if (flag > 1) throw new CountersignError('log_proof', 'a rung of the ladder is malformed');
  return { proof, commitment: flag === 1 ? reader.take(32) : undefined };
}
