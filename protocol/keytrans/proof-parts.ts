import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { parseTlogProof, type TlogProof } from '../tlog/proof-format.ts';
import { ByteReader } from './byte-reader.ts';
import { LOG_STAPLE_MAX } from './limits.ts';

/** What every proof of the key log shows of its epoch, whichever version it is about. */
export interface EpochProof {
  /** The note, as the log and its cosigners signed it. */
  readonly checkpoint: string;
  /** The epoch entry, 57 bytes, which is the last of the checkpoint's tree, and its inclusion. */
  readonly epochEntry: Uint8Array;
  readonly epochInclusion: readonly Uint8Array[];
  /** The key in entry 0, and the inclusion of entry 0 in the same tree. */
  readonly vrfPublicKey: Uint8Array;
  readonly startInclusion: readonly Uint8Array[];
  /** Of the version's commitment, 16 bytes. */
  readonly opening: Uint8Array;
}

/** A proof as text, and its extra data behind the byte that says of which format they are. Throws `log_proof`. */
export function readProofText(text: string, format: number): { proof: TlogProof; reader: ByteReader } {
  if (text.length > LOG_STAPLE_MAX) throw new CountersignError('log_proof', 'the log proof is too long');
  const proof = parseTlogProof(text);
  const reader = new ByteReader(proof.extra ?? new Uint8Array());
  if (reader.u8() !== format)
    throw new CountersignError('log_proof', 'the log proof is of an unknown format');
  return { proof, reader };
}

/** `u8 n ‖ n × hash[32]`. Throws `log_proof` for more than 255, and for a hash of another length. */
export function hashListBytes(hashes: readonly Uint8Array[]): Uint8Array {
  return concatBytes(count(hashes), ...hashes.map((hash) => ofLength(hash, 32)));
}

export function readHashList(reader: ByteReader): Uint8Array[] {
  return reader.list(reader.u8(), () => reader.take(32));
}

export function count(items: readonly unknown[]): Uint8Array {
  if (items.length > 255) throw new CountersignError('log_proof', 'the log proof has too many parts');
  return Uint8Array.of(items.length);
}

export function ofLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length)
    throw new CountersignError('log_proof', 'a part of the log proof has another length');
  return bytes;
}
