/**
 * Seconds that this process has had of the processors: for a bound on how much work something is, which what other
 * processes take meanwhile, and a machine that stalls, do not change.
 */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
