/**
 * Of so many faults as a process makes calls, how many must be met: nearly all, as a run makes some calls more or fewer while
 * its timers go, and one at the least. A fault that nobody met has shown nothing.
 */
export function leastMet(faults: number): number {
  return Math.max(1, Math.floor(faults * 0.8) - 1);
}
