import type { SinkState } from './sink-states.ts';

type Place = Pick<SinkState, 'settled' | 'backlog_to'>;

export interface BufferBound {
  /** `seq` of the newest event. */
  readonly newest: number;
  /** Events that a sink may be behind. */
  readonly bufferEvents: number;
}

/**
 * What a sink is behind, as its buffer bounds it, in events. Of one that was made to begin with the first event, what was
 * there already does not count: it takes that in its own time.
 */
export function waitingIn({ settled, backlog_to }: Place, newest: number): number {
  return Math.max(0, newest - Math.max(settled, backlog_to));
}

/**
 * The `seq` behind which events are kept for a sink: what it is behind beyond that is given up. Where a whole buffer of new
 * events came while it was still at those that had been there before, it is bounded like any other.
 */
export function boundedPlace(place: Place, { newest, bufferEvents }: BufferBound): number {
  if (waitingIn(place, newest) <= bufferEvents) return place.settled;
  return Math.max(place.settled, newest - bufferEvents);
}
