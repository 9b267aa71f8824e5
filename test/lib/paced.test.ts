import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPaced } from '../../bridge/lib/paced.ts';

describe('What is paced', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });

  afterEach(() => vi.useRealTimers());

  it('happens at once after a pause, and then once for all who ask within the interval', () => {
    const times: number[] = [];
    const start = performance.now();
    const paced = createPaced(() => times.push(performance.now() - start), 50);
    paced.ask();
    expect(times).toEqual([0]);
    for (let asked = 0; asked < 4; asked += 1) {
      vi.advanceTimersByTime(10);
      paced.ask();
    }
    vi.advanceTimersByTime(200);
    expect(times).toEqual([0, 50]);
    paced.ask();
    expect(times).toEqual([0, 50, 240]);
  });

  it('does not happen once it is forgotten, until it is asked for again', () => {
    let times = 0;
    const paced = createPaced(() => {
      times += 1;
    }, 50);
    paced.ask();
    paced.ask();
    paced.forget();
    vi.advanceTimersByTime(200);
    expect(times).toBe(1);
    paced.ask();
    expect(times).toBe(2);
  });
});
