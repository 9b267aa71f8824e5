import { CountersignError } from '../../protocol/errors.ts';

/** What happens, for whoever listens: each has all of it from when they began, in order. */
export interface Feed<Item> {
  push(item: Item): void;
  /** Who listens has what came so far, and then nothing, or this error. */
  end(error?: CountersignError): void;
  /** Ends with the feed, or quietly when the signal is aborted. It listens from now on, not from the first `next`. */
  listen(signal?: AbortSignal): AsyncGenerator<Item, void>;
}

/** Who does not read for this many items has left: more would fill the memory of a meeting that goes on. */
const KEPT = 4096;

interface Listener<Item> {
  readonly items: Item[];
  overrun: boolean;
  wake(): void;
}

/** A listener who falls behind by 4,096 items is told so (`overloaded`), rather than that some are left out. */
export function createFeed<Item>(): Feed<Item> {
  const listeners = new Set<Listener<Item>>();
  let ended: { readonly error: CountersignError | undefined } | undefined;

  async function* read(
    listener: Listener<Item>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Item, void> {
    const wake = () => listener.wake();
    signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        if (signal?.aborted) return;
        const item = listener.items.shift();
        if (item !== undefined) yield item;
        else if (listener.overrun)
          throw new CountersignError('overloaded', 'what happened was not read in time');
        else if (ended !== undefined) {
          if (ended.error !== undefined) throw ended.error;
          return;
        } else await new Promise<void>((resolve) => (listener.wake = resolve));
      }
    } finally {
      signal?.removeEventListener('abort', wake);
      listeners.delete(listener);
    }
  }

  return {
    push(item) {
      if (ended !== undefined) return;
      for (const listener of listeners) {
        if (listener.items.length < KEPT) listener.items.push(item);
        else listener.overrun = true;
        listener.wake();
      }
    },
    end(error) {
      ended ??= { error };
      for (const listener of listeners) listener.wake();
    },
    listen(signal) {
      const listener: Listener<Item> = { items: [], overrun: false, wake: () => undefined };
      if (ended === undefined) listeners.add(listener);
      return read(listener, signal);
    },
  };
}
