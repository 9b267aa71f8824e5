import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { pause, unlessAborted, withTimeLimit } from '../../bridge/lib/abortable.ts';

describe('work that a signal ends', () => {
  it('leaves nothing with the signal when it is done, which may live much longer', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7);
    await expect(unlessAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is not waited for any longer', async () => {
    const stopping = new AbortController();
    const waited = unlessAborted(new Promise(() => {}), stopping.signal);
    stopping.abort(new Error('stopped'));
    await expect(waited).rejects.toThrow('stopped');
  });
});

describe('work with a time limit', () => {
  it('ends in time, whatever garbage is collected meanwhile', async () => {
    const collecting = setInterval(collectGarbage(), 5);
    try {
      await expect(
        withTimeLimit(100, [new AbortController().signal], (signal) => untilAborted(signal)),
      ).rejects.toMatchObject({ name: 'TimeoutError' });
    } finally {
      clearInterval(collecting);
    }
  });

  it('ends with the other signals as well', async () => {
    const stopping = new AbortController();
    const work = withTimeLimit(60_000, [stopping.signal], untilAborted);
    stopping.abort(new Error('stopped'));
    await expect(work).rejects.toThrow('stopped');
  });
});

describe('a pause', () => {
  it('ends with a signal that nothing else holds, whatever garbage is collected meanwhile', async () => {
    const stopping = new AbortController();
    const paused = pause(60_000, AbortSignal.any([stopping.signal, new AbortController().signal]));
    const collect = collectGarbage();
    for (let each = 0; each < 10; each += 1) {
      collect();
      await new Promise(setImmediate);
    }
    stopping.abort();
    await paused;
  });

  it('is none under a signal that was aborted before', async () => {
    await pause(60_000, AbortSignal.abort());
  });
});

function collectGarbage(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
