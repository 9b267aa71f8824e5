import { CountersignError } from '../protocol/errors.ts';
import { boundedBody } from './bounded-body.ts';
import { problemError } from './bridge-api.ts';
import type { ClientContext } from './context.ts';
import { fetchFromBridge } from './dpop-fetch.ts';
import type { ReadLogFile } from './log-tiles.ts';

/** A full tile of hashes is 8 KiB; a note has a hundred signatures at most. What a log sends beyond is not read. */
const TILE_BYTES = 8_192;
const NOTE_BYTES = 65_536;

/** The public files of an issuer's log. Everything that it answers is attacker-controlled. */
export interface LogReading {
  readonly tile: ReadLogFile;
  /** The note of the checkpoint that the log shows everybody. */
  checkpoint(): Promise<string>;
}

/** Throws `bridge_unreachable`, `bridge_invalid` for an answer that is too long, and what the bridge answers. */
export function readLogOf(context: ClientContext, issuer: string): LogReading {
  const read = async (path: string, maxBytes: number): Promise<Uint8Array | null> => {
    const response = await fetchFromBridge(context, `${issuer}/log/${path}`);
    if (response.status === 404) return null;
    if (!response.ok) throw problemError(response.status, await response.text().catch(() => ''));
    return boundedBody(response, maxBytes);
  };
  return {
    tile: (path) => read(path, TILE_BYTES),
    async checkpoint() {
      const note = await read('checkpoint', NOTE_BYTES);
      if (note === null) throw new CountersignError('checkpoint_unknown');
      return new TextDecoder().decode(note);
    },
  };
}
