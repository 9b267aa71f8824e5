import type { CopyReader } from '../../../connectors/siem/copy-reader.ts';
import type { FormatName } from '../../../connectors/siem/formats/formatter.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { SINK_COPY_MS } from '../../lib/limits.ts';
import { within } from '../delivery/within.ts';
import { shownLine } from './copied-lines.ts';
import { openSettings } from './sealed-settings.ts';
import type { Sinks } from './sinks.ts';
import type { FoundSink, SinkReader, SinksDeps } from './sinks-deps.ts';

/** Reads back what sinks wrote. It is the copy as the bridge finds it: who must not rely on that gets it elsewhere. */
export function createCopyReading({ signer, opener }: SinksDeps, reader: SinkReader): Sinks['copy'] {
  async function source(found: FoundSink): Promise<CopyReader | string> {
    if (found.builtin !== undefined) {
      const copy = opener.kind(found.builtin.kind)?.copy;
      return typeof copy === 'string' ? copy : 'The configuration has this sink.';
    }
    const { id, kind, format, original } = found.row;
    const { settings } = await openSettings(signer, found.row);
    return opener.copy(id, kind, { format: format as FormatName, original: original === 1 }, settings);
  }

  return async (id, after) => {
    const copy = await source(await reader.find(id));
    if (typeof copy === 'string') {
      throw new CountersignError(
        'malformed_request',
        `A sink of this kind cannot read what it sent. ${copy}`,
      );
    }
    const { lines, next } = await within(SINK_COPY_MS, new AbortController().signal, (signal) =>
      copy.part(after, signal),
    );
    return { lines: lines.map(shownLine), next };
  };
}
