import type { Outcome, SinkEvent } from '../../../connectors/siem/sink.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { SINK_FAULT_ROUNDS, SINK_REFUSALS_IN_ROW } from '../../lib/limits.ts';
import type { RefusedInLane } from './lane-source.ts';
import { SinkFault } from './sink-fault.ts';

/** What of the lane a search for events at fault needs. */
export interface FaultSearch {
  /** Hands over one event by itself; it is not counted as taken, for it comes again, or came before. */
  hand(event: SinkEvent): Promise<Outcome>;
  /** When it is aborted its reason is thrown. */
  readonly signal: AbortSignal;
  /** Some that the sink has, nearest first. */
  before(): Promise<readonly SinkEvent[]>;
  /** Those that follow, in their order. None are needed of a lane whose events were refused before. */
  after(): Promise<readonly SinkEvent[]> | undefined;
}

/**
 * Whether it is `first`, which failed by itself, that provokes the fault, or the receiver is away. Answers the events to
 * lay aside, in their order: `first`, and those that follow and fail as well, up to one that is taken; none where it
 * may be the receiver.
 *
 * An earlier event is handed over between the tries, as a repeat: where it passes and this one does not, time after time,
 * the receiver is there. It may know repeats and take nothing else, so that one that it has not seen must pass too. That
 * is sent when nothing before it will be any more: no event arrives before one that it follows.
 */
export async function eventsAtFault(
  first: SinkEvent,
  fault: SinkFault,
  search: FaultSearch,
): Promise<readonly RefusedInLane[]> {
  const earlier = await firstTaken(await search.before(), search);
  if (earlier === undefined) return [];
  for (let round = 0; round < SINK_FAULT_ROUNDS; round += 1) {
    if ((await faultOf(first, search)) === undefined) return [];
    if ((await faultOf(earlier, search)) !== undefined) return [];
  }
  const following = await search.after();
  const aside = laidAside(first, fault);
  return following === undefined ? [aside] : upToTaken(aside, following, search);
}

async function firstTaken(events: readonly SinkEvent[], search: FaultSearch): Promise<SinkEvent | undefined> {
  for (const event of events) {
    if ((await faultOf(event, search)) === undefined) return event;
  }
  return undefined;
}

async function upToTaken(
  first: RefusedInLane,
  following: readonly SinkEvent[],
  search: FaultSearch,
): Promise<readonly RefusedInLane[]> {
  const failed = [first];
  for (const event of following.slice(0, SINK_REFUSALS_IN_ROW)) {
    const fault = await faultOf(event, search);
    if (fault === undefined) return failed;
    failed.push(laidAside(event, fault));
  }
  return [];
}

async function faultOf(event: SinkEvent, { hand, signal }: FaultSearch): Promise<SinkFault | undefined> {
  try {
    const { sent, refused } = await hand(event);
    if (sent >= event.seq && refused.length === 0) return undefined;
    return new SinkFault(new CountersignError('sink_batch_refused', refused[0]?.words));
  } catch (error) {
    if (signal.aborted) throw error;
    return new SinkFault(error);
  }
}

function laidAside({ seq, event_id, type }: SinkEvent, { detail }: SinkFault): RefusedInLane {
  return { seq, event_id, type, words: `Laid aside, as others are taken. ${detail}` };
}
