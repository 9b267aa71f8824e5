/** To the second, in UTC. */
export function moment(time: string | null): string {
  return time === null ? '-' : `${time.slice(0, 19).replace('T', ' ')}Z`;
}

export function count(number: number): string {
  return number.toLocaleString('en');
}

/** As exact as helps. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
