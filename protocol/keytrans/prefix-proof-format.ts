import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { ByteReader } from './byte-reader.ts';
import type { PrefixProof, PrefixResult } from './prefix-tree.ts';

/*
 * PrefixProof of IETF KEYTRANS: u8 n ‖ n results ‖ u16 m ‖ m × hash[32]. A result is u8 type (1 inclusion, 2 another
 * leaf, with vrf_output[32] ‖ commitment[32], 3 an empty place) ‖ u8 depth.
 */

const TYPE_BYTES = { inclusion: 1, 'other-leaf': 2, empty: 3 } as const;
const RESULTS_MAX = 255;
const DEPTH_MAX = 255;
const ELEMENTS_MAX = 65_535;

/** Throws `log_proof` for more results than one proof can hold. */
export function encodePrefixProof({ results, elements }: PrefixProof): Uint8Array<ArrayBuffer> {
  if (results.length > RESULTS_MAX || elements.length > ELEMENTS_MAX) {
    throw new CountersignError('log_proof', 'one proof cannot hold so many results');
  }
  return concatBytes(
    Uint8Array.of(results.length),
    ...results.flatMap(resultBytes),
    Uint8Array.of(elements.length >> 8, elements.length & 0xff),
    ...elements,
  );
}

function resultBytes(result: PrefixResult): Uint8Array[] {
  if (result.depth > DEPTH_MAX)
    throw new CountersignError('log_proof', 'two outputs differ in their last bit only');
  const leaf = result.kind === 'other-leaf' ? [result.leaf.output, result.leaf.commitment] : [];
  return [Uint8Array.of(TYPE_BYTES[result.kind]), ...leaf, Uint8Array.of(result.depth)];
}

/** Parses exactly one proof. Throws `log_proof`. */
export function decodePrefixProof(bytes: Uint8Array): PrefixProof {
  const reader = new ByteReader(bytes);
  const proof = readPrefixProof(reader);
  reader.end();
  return proof;
}

/** Parses the proof that comes next. Throws `log_proof`. */
export function readPrefixProof(reader: ByteReader): PrefixProof {
  const results = reader.list(reader.u8(), () => readResult(reader));
  const elements = reader.list(reader.u16(), () => reader.take(32));
  return { results, elements };
}

function readResult(reader: ByteReader): PrefixResult {
  const type = reader.u8();
  switch (type) {
    case TYPE_BYTES.inclusion:
      return { kind: 'inclusion', depth: reader.u8() };
    case TYPE_BYTES['other-leaf']: {
      const leaf = { output: reader.take(32), commitment: reader.take(32) };
      return { kind: 'other-leaf', leaf, depth: reader.u8() };
    }
    case TYPE_BYTES.empty:
      return { kind: 'empty', depth: reader.u8() };
    default:
      throw new CountersignError('log_proof', 'a result is of no known type');
  }
}
