import { describe, expect, it } from 'vitest';
import { equalSecrets, firstIdOf, newHandle, newId, timeOfId } from '../../bridge/lib/ids.ts';
import { newTraceId, parseTraceId } from '../../bridge/lib/trace-id.ts';

describe('an id', () => {
  it('is a UUIDv7 that sorts after the ones before it', () => {
    const ids = Array.from({ length: 100 }, newId);
    expect(
      ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
    ).toBe(true);
    expect([...ids].sort()).toEqual(ids);
  });

  it('stands behind every bound of a time before it, and before every bound of a time after it', () => {
    const before = Date.now();
    const id = newId();
    expect(id >= firstIdOf(before)).toBe(true);
    expect(id < firstIdOf(before + 60_000)).toBe(true);
    expect(firstIdOf(-1)).toBe('00000000-0000');
  });

  it('says when it was made', () => {
    expect(timeOfId(`${firstIdOf(1_795_000_000_123)}${newId().slice(13)}`)).toBe(1_795_000_000_123);
  });
});

describe('a handle', () => {
  it('is 32 bytes in base64url and never the same', () => {
    const handles = new Set(Array.from({ length: 100 }, newHandle));
    expect(handles.size).toBe(100);
    for (const handle of handles) expect(handle).toMatch(/^[\w-]{43}$/);
  });
});

describe('secrets', () => {
  it('are equal only when every character is', () => {
    expect(equalSecrets('s3cret', 's3cret')).toBe(true);
    expect(equalSecrets('s3cret', 's3creT')).toBe(false);
    expect(equalSecrets('s3cret', 's3cret ')).toBe(false);
    expect(equalSecrets('', '')).toBe(true);
  });
});

describe('a trace id', () => {
  it('is three groups of four characters that cannot be mistaken', () => {
    expect(newTraceId()).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
    expect(newTraceId()).not.toBe(newTraceId());
  });

  it('is understood as people type it', () => {
    expect(parseTraceId(' 7k2m q4xd oztl ')).toBe('7K2M-Q4XD-0ZT1');
  });

  it.each(['', '7K2M-Q4XD', '7K2M-Q4XD-0ZTB-1111', '7K2M-Q4XD-0ZT!', '7K2M-Q4XD-0ZTU'])(
    'is not %j',
    (typed) => {
      expect(parseTraceId(typed)).toBeUndefined();
    },
  );
});
