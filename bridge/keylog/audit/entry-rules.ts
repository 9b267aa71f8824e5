import { isCountersignError } from '../../../protocol/errors.ts';
import { type EpochEntry, type LogEntry, parseLogEntry } from '../../../protocol/keytrans/log-entry.ts';
import { type FindingCode, LogViolation } from './finding.ts';
import { createPrefixReplay } from './prefix-replay.ts';

/** Entries of one epoch, its own included: what a file of evidence can show of one. A bridge closes far shorter ones. */
export const EPOCH_ENTRIES = 4_096;

/**
 * The rules of a key log (PROTOCOL.md section 7), held against its entries in their order: entry 0 fixes the VRF key,
 * and no other does; each version has a place in the map of its own; each epoch follows the one before, later or at
 * the same time, with the count and the root of what was added until then.
 */
export interface EntryRules {
  /** Entries taken. */
  readonly size: number;
  /** The last epoch that closed. */
  readonly epoch: EpochEntry | undefined;
  /** Versions in the map, those of an epoch that is not closed yet included. */
  readonly leaves: number;
  /** Whether the last entry closed an epoch. */
  readonly atEpochEnd: boolean;
  /**
   * Takes the next entry; throws `LogViolation`. With `trusted`, the map's root is not computed: for entries that were
   * verified before, whose last epoch is then checked.
   */
  take(bytes: Uint8Array, options?: { trusted: boolean }): void;
}

export function createEntryRules(): EntryRules {
  const map = createPrefixReplay();
  /** Where in the log each leaf of the map stands. */
  const positions: number[] = [];
  let size = 0;
  let epoch: EpochEntry | undefined;
  let epochIndex = 0;

  function refuse(
    code: FindingCode,
    wanted: { expected: string; found: string },
    positions: readonly number[],
  ): never {
    throw new LogViolation({ code, index: size, ...wanted }, positions);
  }

  function takeFirst(entry: LogEntry): void {
    if (entry.kind === 'start') return;
    refuse('first_entry', { expected: 'the VRF key at entry 0', found: nameOf(entry) }, [0]);
  }

  function takeVersion(output: Uint8Array, commitment: Uint8Array): void {
    if (map.add(output, commitment)) {
      positions.push(size);
      return;
    }
    const first = positions[map.find(output) ?? 0] ?? 0;
    const found = `the output ${hex(output)} again, which entry ${first} has`;
    refuse('output_twice', { expected: 'an output that is not in the map', found }, [first, size]);
  }

  function takeEpoch(next: EpochEntry, trusted: boolean): void {
    const pair = epoch === undefined ? [size] : [epochIndex, size];
    const number = (epoch?.epoch ?? 0) + 1;
    if (next.epoch !== number) {
      refuse('epoch_not_next', { expected: `epoch ${number}`, found: `epoch ${next.epoch}` }, pair);
    }
    if (epoch !== undefined && next.time < epoch.time) {
      const wanted = { expected: `a time from ${instant(epoch.time)} on`, found: instant(next.time) };
      refuse('time_back', wanted, pair);
    }
    if (size - epochIndex > EPOCH_ENTRIES) {
      const found = `${size - epochIndex} entries`;
      refuse('epoch_too_long', { expected: `at most ${EPOCH_ENTRIES} entries`, found }, pair);
    }
    if (next.leaves !== map.leaves) {
      const wanted = { expected: `${map.leaves} leaves`, found: `${next.leaves} leaves` };
      refuse('leaves_count', wanted, pair);
    }
    if (!trusted) {
      const root = map.root();
      if (!root.equals(next.prefixRoot)) {
        // Everything that the root depends on, beside the root before.
        const entries = Array.from({ length: size - epochIndex + 1 }, (_, place) => epochIndex + place);
        refuse('prefix_root', { expected: hex(root), found: hex(next.prefixRoot) }, entries);
      }
    }
    epoch = next;
    epochIndex = size;
  }

  return {
    get size() {
      return size;
    },
    get epoch() {
      return epoch;
    },
    get leaves() {
      return map.leaves;
    },
    get atEpochEnd() {
      return epoch !== undefined && epochIndex === size - 1;
    },
    take(bytes, { trusted } = { trusted: false }) {
      const entry = parse(bytes);
      if (entry === undefined) {
        const wanted = { expected: 'an entry of a known form', found: describe(bytes) };
        refuse('unknown_entry', wanted, [size]);
      }
      if (size === 0) takeFirst(entry);
      else if (entry.kind === 'start') {
        const wanted = {
          expected: 'one VRF key for the log’s life',
          found: `the VRF key ${hex(entry.vrfPublicKey)}`,
        };
        refuse('second_start', wanted, [0, size]);
      } else if (entry.kind === 'version') takeVersion(entry.output, entry.commitment);
      else takeEpoch(entry, trusted);
      size += 1;
    },
  };
}

function parse(bytes: Uint8Array): LogEntry | undefined {
  try {
    return parseLogEntry(bytes);
  } catch (error) {
    if (isCountersignError(error, 'log_proof')) return undefined;
    throw error;
  }
}

function nameOf(entry: LogEntry): string {
  return entry.kind === 'version' ? 'a version' : `epoch ${entry.kind === 'epoch' ? entry.epoch : 0}`;
}

/** Enough to recognize an entry by. */
const SHOWN_BYTES = 80;

function describe(bytes: Uint8Array): string {
  const shown = hex(bytes.subarray(0, SHOWN_BYTES));
  return `${bytes.length} bytes: ${shown}${bytes.length > SHOWN_BYTES ? '…' : ''}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Milliseconds as people read them; the log may name any number. */
function instant(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? `${milliseconds} ms` : date.toISOString();
}
