import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { formatTlogProof, parseTlogProof } from '../tlog/proof-format.ts';
import { ByteReader } from './byte-reader.ts';
import { OPENING_BYTES } from './commitment.ts';
import { LOG_STAPLE_MAX } from './limits.ts';
import { EPOCH_ENTRY_BYTES } from './log-entry.ts';
import { encodePrefixProof, readPrefixProof } from './prefix-proof-format.ts';
import type { PrefixProof } from './prefix-tree.ts';
import { VRF_PROOF_BYTES } from './vrf.ts';

/** One rung of the ladder, with what the verifier cannot compute. */
export interface LogRung {
  /** The VRF proof, 80 bytes. */
  readonly proof: Uint8Array;
  /** Of a version below the one that is shown; that one's own follows from its opening and value. */
  readonly commitment?: Uint8Array | undefined;
}

/** That a version is in the log and the newest of its name (PROTOCOL §7). Nothing of it is verified. */
export interface LogStaple {
  /** Of the epoch entry: the last of the checkpoint's tree. */
  readonly index: number;
  /** The epoch entry, 57 bytes, and its inclusion in the checkpoint's tree. */
  readonly epochEntry: Uint8Array;
  readonly epochInclusion: readonly Uint8Array[];
  /** The note, as the log and its cosigners signed it. */
  readonly checkpoint: string;
  /** The key in entry 0, and the inclusion of entry 0 in the same tree. */
  readonly vrfPublicKey: Uint8Array;
  readonly startInclusion: readonly Uint8Array[];
  /** Of the version's commitment, 16 bytes. */
  readonly opening: Uint8Array;
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
    count(staple.startInclusion),
    ...staple.startInclusion.map((hash) => ofLength(hash, 32)),
    ofLength(staple.opening, OPENING_BYTES),
    count(staple.rungs),
    ...staple.rungs.flatMap(rungBytes),
    encodePrefixProof(staple.prefixProof),
  );
  return formatTlogProof({ index, hashes: epochInclusion, checkpoint, extra });
}

/** Parses a staple, all of which its sender controls. Throws `log_proof`. */
export function parseLogStaple(text: string): LogStaple {
  if (text.length > LOG_STAPLE_MAX) throw new CountersignError('log_proof', 'the log proof is too long');
  const { index, hashes, checkpoint, extra } = parseTlogProof(text);
  const reader = new ByteReader(extra ?? new Uint8Array());
  if (reader.u8() !== FORMAT)
    throw new CountersignError('log_proof', 'the log proof is of an unknown format');
  const parts = {
    epochEntry: reader.take(EPOCH_ENTRY_BYTES),
    vrfPublicKey: reader.take(32),
    startInclusion: reader.list(reader.u8(), () => reader.take(32)),
    opening: reader.take(OPENING_BYTES),
    rungs: reader.list(reader.u8(), () => readRung(reader)),
    prefixProof: readPrefixProof(reader),
  };
  reader.end();
  return { index, epochInclusion: hashes, checkpoint, ...parts };
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

function count(items: readonly unknown[]): Uint8Array {
  if (items.length > 255) throw new CountersignError('log_proof', 'the log proof has too many parts');
  return Uint8Array.of(items.length);
}

function ofLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length)
    throw new CountersignError('log_proof', 'a part of the log proof has another length');
  return bytes;
}
