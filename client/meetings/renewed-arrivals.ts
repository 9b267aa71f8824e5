import type { JudgedDevice } from './judge-devices.ts';
import { describeStale } from './participants.ts';
import type { Arrival } from './reception.ts';

/** Whether somebody who was verified may have shown themselves again since: devices do when half the time is over. */
export function mayBeRenewed(arrival: Arrival | undefined, now: number): boolean {
  if (arrival === undefined || arrival.participant.shownAt === null) return true;
  return now >= (arrival.participant.shownAt + arrival.until) / 2;
}

/**
 * Somebody with a place, by what their device shows now. What does not verify takes nothing from what did, before that is
 * too old. How long ago they signed in counts as of when they came.
 */
export function withRenewal(before: Arrival, shown: JudgedDevice, now: number): Arrival {
  const { participant, until } = shown;
  if (participant.state === 'verified') return { ...before, participant, until };
  if (now < before.until) return before;
  return { ...before, participant: describeStale(before.participant, participant.code) };
}
