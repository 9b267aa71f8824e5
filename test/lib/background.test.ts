import { describe, expect, it } from 'vitest';
import { startLoop } from '../../bridge/lib/background.ts';
import { createLogger } from '../../bridge/lib/logger.ts';

const HOUR_MS = 3_600_000;

function recorded() {
  const lines: string[] = [];
  return { lines, logger: createLogger({ destination: { write: (line: string) => void lines.push(line) } }) };
}

/** Resolves when `count` runs have begun. */
function counter(count: number) {
  let begun = 0;
  let resolve = () => {};
  const reached = new Promise<void>((done) => {
    resolve = done;
  });
  const step = () => {
    begun += 1;
    if (begun === count) resolve();
  };
  return { reached, step };
}

describe('a background loop', () => {
  it('runs at once and again after the interval', async () => {
    const { reached, step } = counter(3);
    const loop = startLoop('work', 1, async () => step(), recorded());
    await reached;
    await loop.stop();
    expect(loop.runs).toBeGreaterThanOrEqual(3);
    expect(loop.failures).toBe(0);
  });

  it('logs and counts a run that fails, and goes on', async () => {
    const { lines, logger } = recorded();
    const { reached, step } = counter(2);
    const loop = startLoop(
      'delivery',
      1,
      async () => {
        step();
        throw new Error('sink is down');
      },
      { logger },
    );
    await reached;
    await loop.stop();
    expect(loop.failures).toBeGreaterThanOrEqual(2);
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({
      level: 'error',
      loop: 'delivery',
      failures: 1,
      err: { message: 'sink is down' },
    });
  });

  it('counts work that throws before it returns a promise', async () => {
    const { reached, step } = counter(1);
    const loop = startLoop(
      'work',
      HOUR_MS,
      () => {
        step();
        throw new Error('at once');
      },
      recorded(),
    );
    await reached;
    await loop.stop();
    expect(loop.failures).toBe(1);
  });

  it('is woken from its pause', async () => {
    const { reached, step } = counter(2);
    const first = counter(1);
    const loop = startLoop(
      'work',
      HOUR_MS,
      async () => {
        step();
        first.step();
      },
      recorded(),
    );
    await first.reached;
    loop.wake();
    await reached;
    await loop.stop();
    expect(loop.runs).toBe(2);
  });

  it('runs again at once when it was woken during a run', async () => {
    const { reached, step } = counter(2);
    let runs = 0;
    const loop = startLoop(
      'work',
      HOUR_MS,
      async () => {
        step();
        if (runs++ === 0) loop.wake();
      },
      recorded(),
    );
    await reached;
    await loop.stop();
    expect(loop.runs).toBe(2);
  });

  it('waits at stop for the run under way, and aborts its signal', async () => {
    const { reached, step } = counter(1);
    let ended = false;
    const loop = startLoop(
      'work',
      HOUR_MS,
      async (signal) => {
        step();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended = true;
      },
      recorded(),
    );
    await reached;
    await loop.stop();
    expect(ended).toBe(true);
    loop.wake();
    expect(loop.runs).toBe(1);
  });
});
