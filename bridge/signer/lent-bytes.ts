import { SENT_BUFFERS_BYTES } from '../lib/limits.ts';

/** Bytes that stand in memory of which somebody else may be using the same next. */
export interface LentBytes {
  readonly bytes: Buffer<ArrayBuffer>;
  /** Nobody looks at the bytes any more. Whoever never says so leaves them to the garbage collector. */
  giveBack(): void;
}

/** Below this, bytes are not lent: they stand one behind the other in a piece of memory that is left to the collector. */
const LEAST = 64 * 1024;
const PIECE = 4 * LEAST;

/** Whether so many bytes are lent at all. */
export function isLent(size: number): boolean {
  return size >= LEAST;
}

/**
 * Lends memory for long answers. V8 collects the whole heap whenever some 64 MB were made outside of it, which answers
 * about a hundred addresses do every forty of them; what was given back is lent again instead.
 *
 * @param room - bytes that are kept at most while nobody has them
 */
export function createByteLender(room = SENT_BUFFERS_BYTES): (size: number) => LentBytes {
  const kept = new Map<number, Buffer<ArrayBuffer>[]>();
  let size = 0;
  let piece = Buffer.alloc(0);
  let filled = 0;

  /** A memory of its own for each would cost more to have and to collect than to fill. */
  function cut(length: number): Buffer<ArrayBuffer> {
    if (filled + length > piece.length) {
      piece = Buffer.allocUnsafeSlow(PIECE);
      filled = 0;
    }
    filled += length;
    return piece.subarray(filled - length, filled);
  }

  function take(capacity: number): Buffer<ArrayBuffer> {
    const found = kept.get(capacity)?.pop();
    if (found === undefined) return Buffer.allocUnsafeSlow(capacity);
    size -= capacity;
    return found;
  }

  function keep(buffer: Buffer<ArrayBuffer>): void {
    const capacity = buffer.length;
    if (size + capacity > room) return;
    size += capacity;
    const alike = kept.get(capacity) ?? [];
    kept.set(capacity, alike);
    alike.push(buffer);
  }

  return (length) => {
    if (!isLent(length)) return { bytes: cut(length), giveBack: nothing };
    const buffer = take(2 ** Math.ceil(Math.log2(length)));
    let isOut = true;
    return {
      bytes: buffer.subarray(0, length),
      giveBack() {
        // Twice, and two answers would be written into one place.
        if (isOut) keep(buffer);
        isOut = false;
      },
    };
  };
}

function nothing(): void {}
