/**
 * The one clock of the process. Whoever needs the time takes a `Clock`; nothing else reads the machine's time, so
 * a test (or the demo) can move it.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** The clock's time in whole seconds since the Unix epoch, rounded down, as JWT claims count it. */
export function seconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
