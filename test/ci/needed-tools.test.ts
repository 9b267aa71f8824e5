import { describe, expect, it, vi } from 'vitest';
import { requireTools } from '../needed-tools.ts';

describe('a tool that tests need and that is missing', () => {
  it('fails the run in continuous integration', () => {
    const warn = vi.fn();
    expect(() => requireTools([undefined, 'no Redis', 'no browser'], { inCi: true, warn })).toThrow(
      'Nothing is skipped in CI, but no Redis; no browser',
    );
  });

  it('is told once elsewhere', () => {
    const warn = vi.fn();
    requireTools(['no setpriv', undefined, 'no setpriv'], { inCi: false, warn });
    expect(warn.mock.calls).toEqual([['Skipping tests: no setpriv']]);
  });

  it('is no matter where there is none', () => {
    const warn = vi.fn();
    requireTools([undefined], { inCi: true, warn });
    expect(warn).not.toHaveBeenCalled();
  });
});
