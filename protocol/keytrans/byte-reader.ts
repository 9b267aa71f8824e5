import { CountersignError } from '../errors.ts';

/** Reads big-endian binary of whoever sent it, front to back. Whatever runs past the end throws `log_proof`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new CountersignError('log_proof', 'the proof is cut short');
    const taken = this.#bytes.slice(this.#offset, end);
    this.#offset = end;
    return taken;
  }

  u8(): number {
    return this.take(1)[0] ?? 0;
  }

  u16(): number {
    const high = this.u8();
    return high * 256 + this.u8();
  }

  /** As many reads as the count before them says. */
  list<Item>(count: number, read: () => Item): Item[] {
    return Array.from({ length: count }, read);
  }

  /** Nothing may be left over. */
  end(): void {
    if (this.#offset !== this.#bytes.length)
      throw new CountersignError('log_proof', 'bytes follow the proof');
  }
}
