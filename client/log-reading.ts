import { CountersignError } from '../protocol/errors.ts';
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

async function boundedBody({ body }: Response, maxBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(maxBytes);
  let length = 0;
  const reader = body?.getReader();
  try {
    for (;;) {
      const chunk = await reader?.read();
      if (chunk?.value === undefined) return bytes.subarray(0, length);
      if (length + chunk.value.length > maxBytes)
        throw new CountersignError('bridge_invalid', 'the log sends too much');
      bytes.set(chunk.value, length);
      length += chunk.value.length;
    }
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('bridge_unreachable', 'the answer broke off', { cause });
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}
