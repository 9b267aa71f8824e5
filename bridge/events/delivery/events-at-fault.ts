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

/** So many repeats at most come before the tries. */
const REPEATS_BEFORE = 2;

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
  if (earlier === undefined || !(await failsAgain(first, earlier, search))) return [];
  const following = await search.after();
  const aside = laidAside(first, fault);
  return following === undefined ? [aside] : upToTaken(aside, { following, earlier }, search);
}

async function firstTaken(events: readonly SinkEvent[], search: FaultSearch): Promise<SinkEvent | undefined> {
  for (const event of events) {
    if ((await faultOf(event, search)) === undefined) return event;
  }
  return undefined;
}

async function upToTaken(
  first: RefusedInLane,
  { following, earlier }: { readonly following: readonly SinkEvent[]; readonly earlier: SinkEvent },
  search: FaultSearch,
): Promise<readonly RefusedInLane[]> {
  const failed = [first];
  for (const event of following.slice(0, SINK_REFUSALS_IN_ROW)) {
    const fault = await faultOf(event, search);
    if (fault === undefined) return failed;
    if (!isOfEvent(fault) || !(await failsAgain(event, earlier, search))) return [];
    failed.push(laidAside(event, fault));
  }
  return [];
}

/**
 * Whether it fails time after time, and the earlier one never does. Servers behind a balancer take turns, and one of them
 * may be broken: each round has one repeat more than the one before, so that no turn falls on this event alone, and
 * searches differ in their length, so that not each begins at the broken one.
 */
async function failsAgain(event: SinkEvent, earlier: SinkEvent, search: FaultSearch): Promise<boolean> {
  let repeats = Math.floor(Math.random() * (REPEATS_BEFORE + 1));
  for (let round = 1; round <= SINK_FAULT_ROUNDS; round += 1) {
    if (!(await passes(earlier, repeats, search))) return false;
    if (!isOfEvent(await faultOf(event, search))) return false;
    repeats = round;
  }
  return passes(earlier, repeats, search);
}

async function passes(event: SinkEvent, times: number, search: FaultSearch): Promise<boolean> {
  for (let time = 0; time < times; time += 1) {
    if ((await faultOf(event, search)) !== undefined) return false;
  }
  return true;
}

/** A connection that broke off, or a receiver that asks to be left alone, says nothing of the event. */
function isOfEvent(fault: SinkFault | undefined): boolean {
  return fault !== undefined && (fault.mayBeOfEvent || fault.code === 'sink_batch_refused');
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
