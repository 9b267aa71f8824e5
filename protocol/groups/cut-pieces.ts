/** Bytes that come in any portions, as pieces of one size. */
export interface CutPieces {
  push(bytes: Uint8Array): Promise<void>;
  /** The last piece, which may be shorter, or empty where nothing came. */
  end(): Promise<void>;
}

/** One piece is held: which one is the last is known when nothing comes behind it. It is used again for the next. */
export function cutPieces(
  size: number,
  take: (piece: Uint8Array<ArrayBuffer>, last: boolean) => Promise<void>,
): CutPieces {
  const held = new Uint8Array(size);
  let filled = 0;
  return {
    async push(bytes) {
      for (let offset = 0; offset < bytes.length; ) {
        if (filled === size) {
          await take(held, false);
          filled = 0;
        }
        const taken = bytes.subarray(offset, offset + size - filled);
        held.set(taken, filled);
        filled += taken.length;
        offset += taken.length;
      }
    },
    async end() {
      await take(held.subarray(0, filled), true);
      held.fill(0);
    },
  };
}

/** Hands bytes on but for the last `size`, which are known when nothing comes behind them. */
export function withoutTail(
  size: number,
  handOn: (bytes: Uint8Array) => Promise<void>,
): { push(bytes: Uint8Array): Promise<void>; tail(): Uint8Array } {
  let tail = new Uint8Array();
  return {
    async push(bytes) {
      const all = new Uint8Array(tail.length + bytes.length);
      all.set(tail);
      all.set(bytes, tail.length);
      const end = Math.max(0, all.length - size);
      tail = all.slice(end);
      if (end > 0) await handOn(all.subarray(0, end));
    },
    tail: () => tail,
  };
}
