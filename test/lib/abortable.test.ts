import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { unlessAborted } from '../../bridge/lib/abortable.ts';

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
