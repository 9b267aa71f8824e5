import { setTimeout as wait } from 'node:timers/promises';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { decodeEntryBundle, entriesPath, TILE_WIDTH, tilePath } from '../../../protocol/tlog/tile.ts';
import {
  AUDIT_BUNDLE_BYTES,
  AUDIT_BUSY_PAUSE_MS,
  AUDIT_BUSY_TRIES,
  AUDIT_CHECKPOINT_BYTES,
} from '../../lib/limits.ts';
import type { Outbound, OutboundResponse } from '../../lib/outbound.ts';
import { DIGEST } from './fast-hash.ts';
import { LogViolation } from './finding.ts';

/**
 * A log as anybody can read it (C2SP tlog-tiles). Nothing that comes from here is verified. What cannot be read is an
 * `outbound_*` error; an answer that is no tile is a `LogViolation`.
 */
export interface LogSource {
  /** The note of the newest checkpoint. */
  checkpoint(): Promise<string>;
  /** The hashes of a tile, `width` times 32 bytes. */
  hashes(level: number, index: number, width: number): Promise<Uint8Array>;
  /** Exactly `width` entries. */
  entries(index: number, width: number): Promise<Uint8Array[]>;
  /** Hands a cosignature over: the note of the checkpoint, with it. */
  sendCosignature(note: string): Promise<void>;
}

/**
 * @param url - of the log's folder, with a slash at its end
 * @param pause - waits so many milliseconds
 */
export function createLogSource(
  request: Outbound['request'],
  url: string,
  pause: (milliseconds: number) => Promise<unknown> = wait,
): LogSource {
  /** Whoever reads a whole log quickly may be asked to wait for the next minute. */
  async function get(path: string, maxBytes: number): Promise<OutboundResponse> {
    for (let tries = 1; ; tries++) {
      const answer = await request(url + path, { maxBytes });
      if (answer.status !== 429 || tries === AUDIT_BUSY_TRIES) return answer;
      await pause(AUDIT_BUSY_PAUSE_MS);
    }
  }

  /** A log may drop a partial tile once there is a wider one, and the full one holds what it held. */
  async function tile(
    partial: string,
    full: string,
    maxBytes: number,
  ): Promise<{ bytes: Uint8Array; cut: boolean }> {
    try {
      const answer = await get(partial, maxBytes);
      if (answer.status === 404 && partial !== full) {
        return { bytes: bodyOf(await get(full, maxBytes), url + full), cut: true };
      }
      return { bytes: bodyOf(answer, url + partial), cut: false };
    } catch (error) {
      if (!isCountersignError(error, 'outbound_too_large')) throw error;
      return malformed(partial, `at most ${maxBytes} bytes`, 'more');
    }
  }

  return {
    async checkpoint() {
      const answer = await get('checkpoint', AUDIT_CHECKPOINT_BYTES);
      return new TextDecoder().decode(bodyOf(answer, `${url}checkpoint`));
    },
    async hashes(level, index, width) {
      const path = tilePath({ level, index, width });
      const { bytes, cut } = await tile(path, tilePath({ level, index }), TILE_WIDTH * DIGEST);
      const wanted = width * DIGEST;
      if (cut ? bytes.length < wanted : bytes.length !== wanted) {
        malformed(path, `${wanted} bytes`, `${bytes.length} bytes`);
      }
      return bytes.subarray(0, wanted);
    },
    async entries(index, width) {
      const path = entriesPath({ index, width });
      const { bytes, cut } = await tile(path, entriesPath({ index }), AUDIT_BUNDLE_BYTES);
      const entries = entriesOf(bytes, path);
      if (cut ? entries.length < width : entries.length !== width) {
        malformed(path, `${width} entries`, `${entries.length} entries`);
      }
      return entries.slice(0, width);
    },
    async sendCosignature(note) {
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      const answer = await request(`${url}cosignature`, { method: 'POST', headers, body: note });
      if (answer.status < 200 || answer.status > 299) throw refusal(answer, `${url}cosignature`);
    },
  };
}

function bodyOf(answer: OutboundResponse, url: string): Uint8Array {
  if (answer.status === 200) return answer.body;
  throw refusal(answer, url);
}

function refusal(answer: OutboundResponse, url: string): CountersignError {
  return new CountersignError('outbound_failed', `${url} answered with status ${answer.status}.`);
}

function entriesOf(bytes: Uint8Array, path: string): Uint8Array[] {
  try {
    return decodeEntryBundle(bytes);
  } catch (error) {
    if (!isCountersignError(error, 'log_proof')) throw error;
    return malformed(path, 'up to 256 whole entries', `${bytes.length} bytes that are not (${error.detail})`);
  }
}

function malformed(path: string, expected: string, found: string): never {
  throw new LogViolation({
    code: 'tile_malformed',
    index: null,
    expected: `${path} with ${expected}`,
    found,
  });
}
