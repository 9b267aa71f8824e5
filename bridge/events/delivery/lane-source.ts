import type { RefusedEvent, Sink, SinkEvent } from '../../../connectors/siem/sink.ts';

/** Where a lane's events come from. */
export interface LaneSource {
  /**
   * Some of the events behind `since` that are to be delivered, in the order of `seq`, and the `seq` up to which these
   * are all: at least SINK_EVENT_PAGE further on, but at the end. That is `since` where there is nothing more.
   */
  read(since: number): Promise<{ readonly events: readonly SinkEvent[]; readonly through: number }>;
  /** Some events before `seq` that the receiver may get once more, nearest first. Without it, none is ever laid aside. */
  before?(seq: number): Promise<readonly SinkEvent[]>;
  /** These were refused before: one fault, while others are taken, is enough to refuse one again. */
  readonly refusedBefore?: true;
}

/** A refused event, with what it was. */
export interface RefusedInLane extends RefusedEvent {
  readonly type: string;
}

/** What has come of a lane since it was last stored. */
export interface LaneProgress {
  readonly settled: number;
  /** Events taken. */
  readonly taken: number;
  readonly refused: readonly RefusedInLane[];
}

export interface LaneOptions {
  readonly source: LaneSource;
  /** `seq` behind which it begins. */
  readonly settled: number;
  open(): Promise<Sink>;
}

/** The events next behind `since`, of as many pages as it takes to find one; none where there are none. */
export async function eventsBehind(source: LaneSource, since: number): Promise<readonly SinkEvent[]> {
  let { events, through } = await source.read(since);
  for (let from = since; events.length === 0 && through > from; ) {
    from = through;
    ({ events, through } = await source.read(from));
  }
  return events;
}
