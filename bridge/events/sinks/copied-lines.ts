import { cloudevents } from '../../../connectors/siem/formats/cloudevents.ts';
import { originalIn } from '../../../connectors/siem/formats/original-in.ts';
import type { SinkEvent } from '../../../connectors/siem/sink-event.ts';
import { isCountersignError } from '../../../protocol/errors.ts';
import { type CloudEventOf, type LineReading, readCopiedLine } from '../../../protocol/events/copied-line.ts';
import { sha256 } from '../../lib/hash.ts';

/** The CloudEvent of an event, as sinks send it. */
export const cloudEventOf: CloudEventOf = (event, iss) =>
  cloudevents({ iss, organization: '', version: '' }).format(event as SinkEvent);

/** Lines of every format that holds all of an event. */
export const LINES: LineReading = { cloudEventOf, originalIn };

const HIDDEN = '(what stands here is no event)';

/**
 * The line if it reads as an event, altered or not. What else a receiver has is not shown: to read a copy must be no way
 * to read other files, objects and documents with the credentials of the sink. A verifier calls either one unreadable.
 */
export function shownLine(line: string): string {
  if (line.trim() === '') return '';
  try {
    readCopiedLine(line, { ...LINES, sha256 });
    return line;
  } catch (error) {
    if (isCountersignError(error)) return HIDDEN;
    throw error;
  }
}
