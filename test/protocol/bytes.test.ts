import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes, utf8 } from '../../protocol/bytes.ts';

describe('bytes', () => {
  it('joins pieces in their order', () => {
    expect(concatBytes(Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3))).toEqual(
      Uint8Array.of(1, 2, 3),
    );
    expect(concatBytes()).toEqual(new Uint8Array());
  });

  it('writes text as UTF-8', () => {
    expect(utf8('é€')).toEqual(Uint8Array.of(0xc3, 0xa9, 0xe2, 0x82, 0xac));
  });

  it('finds equal byte strings equal, and unequal after any one change', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (left, position, flip) => {
        const right = left.slice();
        expect(equalBytes(left, right)).toBe(true);
        const index = position % right.length;
        right[index] = (right[index] ?? 0) ^ flip;
        expect(equalBytes(left, right)).toBe(false);
      }),
    );
  });

  it('finds a byte string unequal to its beginning', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
    expect(equalBytes(new Uint8Array(), Uint8Array.of(0))).toBe(false);
  });
});
