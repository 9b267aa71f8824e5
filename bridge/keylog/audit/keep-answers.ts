import type { LogSource } from './log-source.ts';

/** What a kept hash or entry takes beside its bytes, roughly. */
const OVERHEAD = 64;

type Answer = Uint8Array | Uint8Array[];

/**
 * A log of which the newest `room` bytes of answers are kept: what has been read once is not asked for again. A log that
 * broke a rule would be a fool to answer a second time to whoever collects the evidence.
 */
export function keepAnswers(source: LogSource, room: number): LogSource {
  const kept = new Map<string, Answer>();
  let size = 0;

  function keep(name: string, answer: Answer): void {
    kept.set(name, answer);
    size += sizeOf(answer);
    for (const [oldest, answered] of kept) {
      if (size <= room || oldest === name) return;
      size -= sizeOf(answered);
      kept.delete(oldest);
    }
  }

  return {
    ...source,
    async hashes(level, index, width) {
      const name = `hashes ${level} ${index} ${width}`;
      const known = kept.get(name);
      if (known instanceof Uint8Array) return known;
      const hashes = await source.hashes(level, index, width);
      keep(name, hashes);
      return hashes;
    },
    async entries(index, width) {
      const name = `entries ${index} ${width}`;
      const known = kept.get(name);
      if (Array.isArray(known)) return known;
      const entries = await source.entries(index, width);
      keep(name, entries);
      return entries;
    },
  };
}

function sizeOf(answer: Answer): number {
  if (answer instanceof Uint8Array) return answer.length + OVERHEAD;
  return answer.reduce((sum, entry) => sum + entry.length + OVERHEAD, OVERHEAD);
}
