import { type Bell, createBell } from '../../lib/bell.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Keyspace } from '../../storage/cache.ts';

/**
 * Tells whoever delivers to a sink, in this process and in others, that something was done about it. To that sink alone:
 * what is done about one says nothing of how long the receiver of another wants to be left alone.
 */
export interface SinkWakes {
  /** It never rejects. */
  wake(sink: string): Promise<void>;
  /** A bell that rings for this sink, until it is let go of. */
  listen(sink: string): { readonly bell: Bell; close(): void };
}

/** @param deps.cache - absent where there are no other replicas */
export function createSinkWakes(deps: {
  readonly cache: Keyspace | undefined;
  readonly logger: Logger;
}): SinkWakes {
  const { cache, logger } = deps;
  const bells = new Map<string, Set<Bell>>();

  async function hear(sink: string, bell: Bell): Promise<() => void> {
    try {
      return (await cache?.onWake(channelOf(sink), () => bell.ring())) ?? (() => {});
    } catch (err) {
      logger.warn({ err, sink }, 'what is done in other replicas about a sink ends no pause of it here');
      return () => {};
    }
  }

  return {
    async wake(sink) {
      for (const bell of bells.get(sink) ?? []) bell.ring();
      await cache?.wake(channelOf(sink)).catch((err) => {
        logger.warn({ err, sink }, 'other replicas were not told of what was done about a sink');
      });
    },
    listen(sink) {
      const bell = createBell();
      const here = bells.get(sink) ?? new Set();
      bells.set(sink, here.add(bell));
      const heard = hear(sink, bell);
      return {
        bell,
        close() {
          here.delete(bell);
          if (here.size === 0 && bells.get(sink) === here) bells.delete(sink);
          void heard.then((forget) => forget());
        },
      };
    },
  };
}

function channelOf(sink: string): string {
  return `sink-touched:${sink}`;
}
