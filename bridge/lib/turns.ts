/** Begins `work` when its turn has come, and answers what it answers. */
export type InTurn = <Result>(size: number, work: () => Promise<Result>) => Promise<Result>;

interface Waiting {
  readonly size: number;
  begin(): void;
}

/**
 * Lets work begin in the order in which it was asked for, as long as the sizes of what is under way are no more than
 * `room` together. What is larger than that goes alone.
 */
export function createTurns(room: number): InTurn {
  const waiting: Waiting[] = [];
  let taken = 0;

  function beginNext(): void {
    for (let next = waiting[0]; next !== undefined && taken + next.size <= room; next = waiting[0]) {
      waiting.shift();
      taken += next.size;
      next.begin();
    }
  }

  return async (asked, work) => {
    const size = Math.min(asked, room);
    await new Promise<void>((begin) => {
      waiting.push({ size, begin });
      beginNext();
    });
    try {
      return await work();
    } finally {
      taken -= size;
      beginNext();
    }
  };
}
