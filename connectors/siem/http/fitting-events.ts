import type { SinkEvent } from '../sink.ts';

/** The events of one request, and what stands of each in it. */
export interface FittingEvents {
  readonly taken: readonly SinkEvent[];
  readonly texts: readonly string[];
}

/**
 * As many of the first events as fit into `maxBytes` of UTF-8, each with `between` bytes beside it; at least one,
 * so that an event that is too large by itself reaches the receiver, which then says so.
 */
export function fitting(
  events: readonly SinkEvent[],
  render: (event: SinkEvent) => string,
  maxBytes: number,
  between = 1,
): FittingEvents {
  const texts: string[] = [];
  let size = 0;
  for (const event of events) {
    const text = render(event);
    size += Buffer.byteLength(text) + between;
    if (size > maxBytes && texts.length > 0) break;
    texts.push(text);
  }
  return { taken: events.slice(0, texts.length), texts };
}
