import { CountersignError } from '../../../protocol/errors.ts';
import type { Outcome, RefusedEvent, SinkEvent } from '../sink.ts';

/** The outcome where the receiver has all of `events`, but for those that it refused for good. */
export function takenEvents(events: readonly SinkEvent[], refused: readonly RefusedEvent[] = []): Outcome {
  const last = events.at(-1);
  if (last === undefined) throw new CountersignError('malformed_request', 'There are no events to deliver.');
  return { sent: last.seq, settled: last.seq, refused };
}

/** @param words - the receiver's, cleaned */
export function refusedEvent(event: SinkEvent, words: string): RefusedEvent {
  return { seq: event.seq, event_id: event.event_id, words };
}
