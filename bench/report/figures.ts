/** The middle value; of an even count the mean of the two in the middle. Throws `RangeError` for none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Linear between the two nearest ranks, as spreadsheets do it; `p` from 0 to 100. Throws `RangeError` for no values. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = ((sorted.length - 1) * p) / 100;
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  if (below === undefined || above === undefined) throw new RangeError('there are no values');
  return below + (above - below) * (rank - Math.floor(rank));
}

/**
 * The median of the rounds' own ratios. Both sides of a round were measured one right after the other, so that a busy
 * machine slows both; a ratio of two medians would compare moments that have nothing to do with each other.
 */
export function ratioOfRounds(measured: readonly number[], reference: readonly number[]): number {
  if (measured.length !== reference.length) throw new RangeError('a round has two sides');
  return median(measured.map((value, round) => value / (reference[round] ?? Number.NaN)));
}

/** Three significant digits, without an exponent: 0.0123, 4.57, 1,230. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
