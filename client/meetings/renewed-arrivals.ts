import type { ErrorCode } from '../../protocol/errors.ts';
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
 * too old; nor does what is older, or rests on another proof than the one that brought the place. How long ago they signed
 * in counts as of when they came; who they are, as of now.
 */
export function withRenewal(before: Arrival, shown: JudgedDevice, now: number): Arrival {
  const { participant, candidate, until } = shown;
  const code = refusalOf(before, shown);
  if (code === null && candidate !== null) return { ...before, participant, candidate, until };
  if (now < before.until) return before;
  return { ...before, participant: describeStale(before.participant, code) };
}

/** Null for the same proof, shown at the same time or later. A bridge has every proof and renewal that it was ever given. */
function refusalOf({ participant: before, candidate }: Arrival, shown: JudgedDevice): ErrorCode | null {
  const { participant: after } = shown;
  if (after.state !== 'verified') return after.code;
  const isSameProof = after.mediaKey === before.mediaKey && shown.candidate?.provenAt === candidate.provenAt;
  if (!isSameProof) return 'presence_mismatch';
  return (after.shownAt ?? 0) < (before.shownAt ?? 0) ? 'replayed' : null;
}
