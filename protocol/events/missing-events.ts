import { SeqRanges } from './seq-ranges.ts';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What of the expected ranges is not there; they may overlap and come in any order. `seqs` rises. */
export function missingEvents(seqs: readonly number[], expected: readonly Range[]): SeqRanges {
  const missing = new SeqRanges();
  let next = 1;
  let place = 0;
  for (const { from, to } of [...expected].sort((left, right) => left.from - right.from)) {
    next = Math.max(next, from);
    while (next <= to) {
      while ((seqs[place] ?? Number.POSITIVE_INFINITY) < next) place++;
      const present = seqs[place] ?? Number.POSITIVE_INFINITY;
      if (present > next) missing.addRange(next, Math.min(to, present - 1));
      next = Math.min(to, present) + 1;
    }
  }
  return missing;
}
