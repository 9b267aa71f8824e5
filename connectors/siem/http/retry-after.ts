/** A receiver that says more than this is wrong, or has lost its clock. */
const MOST_S = 86_400;

/**
 * Seconds that a receiver asks us to wait (RFC 9110 section 10.2.3: a number of seconds, or a date), at most a day.
 * `undefined`: it does not say, or says nonsense.
 *
 * @param now - milliseconds since the epoch
 */
export function retryAfterSeconds(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text), MOST_S);
  // Date.parse would take much else, `-1` among it.
  if (!/^[A-Z][a-z]{2,8}, /.test(text)) return undefined;
  const until = Date.parse(text);
  if (Number.isNaN(until)) return undefined;
  return Math.min(Math.max(0, Math.ceil((until - now) / 1_000)), MOST_S);
}
