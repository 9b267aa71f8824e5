import type { SinkEvent } from '../../../connectors/siem/sink.ts';
import type { Json } from '../../../protocol/canonical-json.ts';
import { SINK_BATCH_CHARACTERS } from '../../lib/limits.ts';

/**
 * Events that were read and not sent yet, in the order of `seq`, with what each holds of text: the fields of events
 * are bounded widely, so how many there are says little of the memory that they take.
 */
export class WaitingEvents {
  #events: SinkEvent[] = [];
  #sizes: number[] = [];
  #size = 0;

  get length(): number {
    return this.#events.length;
  }

  get first(): SinkEvent | undefined {
    return this.#events[0];
  }

  add(events: readonly SinkEvent[]): void {
    for (const event of events) {
      const size = charactersOf(event);
      this.#events.push(event);
      this.#sizes.push(size);
      this.#size += size;
    }
  }

  /** Whether there is enough for so many batches of `limit` events. */
  fill(batches: number, limit: number): boolean {
    return this.#events.length >= batches * limit || this.#size >= batches * SINK_BATCH_CHARACTERS;
  }

  /** The first ones: as many as one batch may hold, at least one. */
  batch(limit: number): readonly SinkEvent[] {
    let size = 0;
    const behind = this.#sizes.findIndex((each, index) => {
      size += each;
      return index >= limit || (index > 0 && size > SINK_BATCH_CHARACTERS);
    });
    return this.#events.slice(0, behind === -1 ? this.#events.length : behind);
  }

  /** Takes the first ones away. */
  drop(count: number): void {
    this.#events.splice(0, count);
    for (const size of this.#sizes.splice(0, count)) this.#size -= size;
  }
}

/** About: of what is short and bounded, nothing is counted. */
function charactersOf({ actor, subject, data }: SinkEvent): number {
  return BARE_EVENT + textIn(actor) + textIn(subject) + textIn(data);
}

/** The rest of an event: ids, time, type, hashes. */
const BARE_EVENT = 400;
/** A number, or what stands around a text. */
const MEMBER = 8;

function textIn(value: Json | { readonly [name: string]: Json | undefined } | undefined): number {
  if (typeof value === 'string') return MEMBER + value.length;
  if (typeof value !== 'object' || value === null) return MEMBER;
  let sum = MEMBER;
  for (const member of Object.values(value)) sum += textIn(member);
  return sum;
}
