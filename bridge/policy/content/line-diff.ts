/** One line: as before, taken out, or put in. */
export interface DiffLine {
  readonly kind: ' ' | '-' | '+';
  readonly text: string;
}

/** Differences beyond which everything is shown as replaced: looking for fewer takes time with their square. */
const DIFFERENCES = 500;

/**
 * The fewest lines to take out and put in (Myers, “An O(ND) difference algorithm and its variations”, 1986): `reached` says
 * how far into `before` one comes on each diagonal with so many differences.
 */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  const trace: ReadonlyMap<number, number>[] = [];
  let reached: ReadonlyMap<number, number> = new Map([[1, 0]]);
  for (let differences = 0; differences <= DIFFERENCES; differences += 1) {
    trace.push(reached);
    const next = new Map(reached);
    for (let diagonal = -differences; diagonal <= differences; diagonal += 2) {
      const from = cameFrom(reached, diagonal, differences);
      let x = (reached.get(from) ?? 0) + (from < diagonal ? 1 : 0);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return walkBack(trace, before, after);
    }
    reached = next;
  }
  return [
    ...before.map((text) => ({ kind: '-', text }) as const),
    ...after.map((text) => ({ kind: '+', text }) as const),
  ];
}

/** The neighbouring diagonal that came further: above it by a line put in, below it by one taken out. */
function cameFrom(reached: ReadonlyMap<number, number>, diagonal: number, differences: number): number {
  const above = reached.get(diagonal + 1) ?? -1;
  const below = reached.get(diagonal - 1) ?? -1;
  const isAbove = diagonal === -differences || (diagonal !== differences && below < above);
  return isAbove ? diagonal + 1 : diagonal - 1;
}

function walkBack(
  trace: readonly ReadonlyMap<number, number>[],
  before: readonly string[],
  after: readonly string[],
): DiffLine[] {
  const lines: DiffLine[] = [];
  let x = before.length;
  let y = after.length;
  for (let differences = trace.length - 1; differences >= 0; differences -= 1) {
    const reached = trace[differences] ?? new Map<number, number>();
    const from = cameFrom(reached, x - y, differences);
    const fromX = reached.get(from) ?? 0;
    const fromY = fromX - from;
    for (; x > fromX && y > fromY && x > 0 && y > 0; x -= 1, y -= 1) {
      lines.push({ kind: ' ', text: before[x - 1] ?? '' });
    }
    if (differences === 0) break;
    const isPutIn = x === fromX;
    lines.push(isPutIn ? { kind: '+', text: after[fromY] ?? '' } : { kind: '-', text: before[fromX] ?? '' });
    x = fromX;
    y = fromY;
  }
  return lines.reverse();
}
