import { CountersignError } from '../../protocol/errors.ts';

/** What happens, for whoever listens: each has all of it from when they began, in order. */
export interface Feed<Item> {
  push(item: Item): void;
  /** Who listens has what came so far, and then nothing, or this error. */
  end(error?: CountersignError): void;
  /**
   * Begins with `first`, then all from now on, not from the first `next`. Ends with the feed, or quietly when the signal
   * is aborted.
   */
  listen(from?: ListenOptions<Item>): AsyncGenerator<Item, void>;
  /** How many listen. */
  readonly listening: number;
}

export interface ListenOptions<Item> {
  readonly signal?: AbortSignal | undefined;
  readonly first?: readonly Item[];
}

/** Who does not read for this many items has left: more would fill the memory of a meeting that goes on. */
const KEPT = 4096;

interface Listener<Item> {
  readonly items: Item[];
  state: 'listening' | 'overrun' | 'left';
  wake(): void;
}

/** A listener who falls behind by 4,096 items is told so (`overloaded`), rather than that some are left out. */
export function createFeed<Item>(): Feed<Item> {
  const listeners = new Set<Listener<Item>>();
  let ended: { readonly error: CountersignError | undefined } | undefined;

  async function* read(listener: Listener<Item>): AsyncGenerator<Item, void> {
    try {
      for (;;) {
        if (listener.state === 'left') return;
        const item = listener.items.shift();
        if (item !== undefined) yield item;
        else if (listener.state === 'overrun')
          throw new CountersignError('overloaded', 'what happened was not read in time');
        else if (ended !== undefined) {
          if (ended.error !== undefined) throw ended.error;
          return;
        } else await new Promise<void>((resolve) => (listener.wake = resolve));
      }
    } finally {
      dismiss(listener, 'left');
    }
  }

  /** Nothing is kept any more of what it did not read: these may be keys. */
  function dismiss(listener: Listener<Item>, state: 'left' | 'overrun'): void {
    listeners.delete(listener);
    listener.items.length = 0;
    listener.state = state;
    listener.wake();
  }

  return {
    get listening() {
      return listeners.size;
    },
    push(item) {
      if (ended !== undefined) return;
      for (const listener of listeners) {
        if (listener.items.length === KEPT) {
          dismiss(listener, 'overrun');
          continue;
        }
        listener.items.push(item);
        listener.wake();
      }
    },
    end(error) {
      ended ??= { error };
      for (const listener of listeners) listener.wake();
      listeners.clear();
    },
    listen({ signal, first = [] } = {}) {
      const listener: Listener<Item> = { items: [...first], state: 'listening', wake: () => undefined };
      if (ended === undefined) listeners.add(listener);
      const leave = () => {
        signal?.removeEventListener('abort', leave);
        dismiss(listener, 'left');
      };
      if (signal?.aborted) leave();
      else signal?.addEventListener('abort', leave, { once: true });
      const reading = read(listener);
      const end = reading.return.bind(reading);
      // A generator that nobody has begun to read would end without its last word.
      return Object.assign(reading, {
        return: (value: Promise<void> | void) => {
          leave();
          return end(value);
        },
      });
    },
  };
}
