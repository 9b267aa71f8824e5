import { SeqRanges } from './seq-ranges.ts';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What of the expected ranges is not there; they may overlap and come in any order. `seqs` rises. */
export function missingEvents(seqs: Iterator<number>, expected: readonly Range[]): SeqRanges {
  const missing = new SeqRanges();
  const following = () => {
    const { value, done } = seqs.next();
    return done === true ? Number.POSITIVE_INFINITY : value;
  };
  let next = 1;
  let present = following();
  for (const { from, to } of [...expected].sort((left, right) => left.from - right.from)) {
    next = Math.max(next, from);
    while (next <= to) {
      while (present < next) present = following();
      if (present > next) missing.addRange(next, Math.min(to, present - 1));
      next = Math.min(to, present) + 1;
    }
  }
  return missing;
}
