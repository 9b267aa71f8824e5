import type { TryPolicy } from './policy-dry-run.ts';

/** One trial run at a time: several would each take their slices of the event loop, and leave others the fewer. */
export function trialsInTurn(tryPolicy: TryPolicy): TryPolicy {
  let last: Promise<unknown> = Promise.resolve();
  return (...wanted) => {
    const begin = () => tryPolicy(...wanted);
    const trial = last.then(begin, begin);
    last = trial;
    return trial;
  };
}
