import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';

/**
 * An entry of the key log (PROTOCOL §7), big-endian:
 * `start` 0x00 ‖ u8 format = 1 ‖ vrf_public_key[32]: entry 0, the VRF key for the log's life;
 * `version` 0x01 ‖ vrf_output[32] ‖ commitment[32]: a version was added;
 * `epoch` 0x02 ‖ u64 epoch ‖ u64 time (ms) ‖ u64 leaves ‖ prefix_root[32]: an epoch closed.
 *
 * Evolution: a new kind is a new first byte, and whoever replays the log refuses those that it does not know; none of
 * the three changes. The bytes are pinned by test/protocol/keytrans/log-entry.test.ts.
 */
export type LogEntry = StartEntry | VersionEntry | EpochEntry;

export interface StartEntry {
  readonly kind: 'start';
  readonly vrfPublicKey: Uint8Array;
}

export interface VersionEntry {
  readonly kind: 'version';
  readonly output: Uint8Array;
  readonly commitment: Uint8Array;
}

export interface EpochEntry {
  readonly kind: 'epoch';
  /** Counts from 1. */
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Leaves of the map at its end. */
  readonly leaves: number;
  readonly prefixRoot: Uint8Array;
}

const FORMAT = 1;
export const EPOCH_ENTRY_BYTES = 57;
const START_ENTRY_BYTES = 34;
const VERSION_ENTRY_BYTES = 65;

/** Throws `log_proof` for a value that has no place in the format. */
export function encodeLogEntry(entry: LogEntry): Uint8Array<ArrayBuffer> {
  switch (entry.kind) {
    case 'start':
      return concatBytes(Uint8Array.of(0, FORMAT), bytes32(entry.vrfPublicKey));
    case 'version':
      return concatBytes(Uint8Array.of(1), bytes32(entry.output), bytes32(entry.commitment));
    case 'epoch':
      return concatBytes(
        Uint8Array.of(2),
        u64(entry.epoch),
        u64(entry.time),
        u64(entry.leaves),
        bytes32(entry.prefixRoot),
      );
  }
}

/** Parses exactly one entry. Throws `log_proof`. */
export function parseLogEntry(bytes: Uint8Array): LogEntry {
  const kind = bytes[0];
  if (kind === 0 && bytes.length === START_ENTRY_BYTES && bytes[1] === FORMAT) {
    return { kind: 'start', vrfPublicKey: bytes.slice(2) };
  }
  if (kind === 1 && bytes.length === VERSION_ENTRY_BYTES) {
    return { kind: 'version', output: bytes.slice(1, 33), commitment: bytes.slice(33) };
  }
  if (kind === 2 && bytes.length === EPOCH_ENTRY_BYTES) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      kind: 'epoch',
      epoch: readU64(view, 1),
      time: readU64(view, 9),
      leaves: readU64(view, 17),
      prefixRoot: bytes.slice(25),
    };
  }
  throw new CountersignError('log_proof', 'an entry of the log is of no known form');
}

function bytes32(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 32) throw new CountersignError('log_proof', 'a member of a log entry is not 32 bytes');
  return bytes;
}

function u64(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new CountersignError('log_proof', 'a number of a log entry is not a whole number');
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function readU64(view: DataView, offset: number): number {
  const value = Number(view.getBigUint64(offset));
  if (!Number.isSafeInteger(value))
    throw new CountersignError('log_proof', 'a number in a log entry is too large');
  return value;
}
