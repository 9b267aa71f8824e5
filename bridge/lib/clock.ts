/**
 * The one clock of the process. Whoever needs the time takes a `Clock`; nothing else reads the machine's time, so
 * a test (or the demo) can move it.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds by a clock that nobody can set, from anywhere on. Default: that of the process. */
  elapsed?(): number;
}

/** Milliseconds by a clock that nobody can set, from anywhere on: for what must not follow a clock that is set. */
export function elapsed(clock: Clock): number {
  return clock.elapsed?.() ?? performance.now();
}

export const systemClock: Clock = { now: () => Date.now() };

/** The clock's time in whole seconds since the Unix epoch, rounded down, as JWT claims count it. */
export function seconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
