import { ADMISSION_CHECKS } from '../../protocol/meetings/limits.ts';

/** Of devices with a place that are not known yet: whom this client checks, and whom it leaves to others. */
export interface DrawnChecks<Device> {
  readonly drawn: readonly Device[];
  readonly left: readonly Device[];
}

/**
 * Draws whom to check: each with the chance of `ADMISSION_CHECKS` in the meeting's size, so all of them up to that size.
 * Each client draws for itself, with random numbers that nobody foresees: a host cannot know whom nobody will check.
 */
export function drawChecks<Device>(unknown: readonly Device[], size: number): DrawnChecks<Device> {
  if (size <= ADMISSION_CHECKS) return { drawn: unknown, left: [] };
  const chance = ADMISSION_CHECKS / size;
  const isDrawn = unknown.map(() => randomFraction() < chance);
  return {
    drawn: unknown.filter((_, index) => isDrawn[index]),
    left: unknown.filter((_, index) => !isDrawn[index]),
  };
}

/** From 0, below 1. */
function randomFraction(): number {
  const [word = 0] = crypto.getRandomValues(new Uint32Array(1));
  return word / 2 ** 32;
}
