import { type Bell, createBell } from '../lib/bell.ts';
import type { Logger } from '../lib/logger.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';

/** Tells who reads a meeting's messages, in this process and in others, that there are new ones. */
export interface MeetingWakes {
  /** Behind the commit. It never rejects: readers look by themselves as well. */
  wake(group: string): Promise<void>;
  /** A bell that rings for this meeting, until it is let go of. */
  listen(group: string): { readonly bell: Bell; close(): void };
}

export function createMeetingWakes(deps: {
  readonly cache: Keyspace;
  readonly logger: Logger;
}): MeetingWakes {
  const { logger } = deps;
  const channels = keyspace(deps.cache, 'meetings');
  const bells = new Map<string, Set<Bell>>();

  function ring(group: string): void {
    for (const bell of bells.get(group) ?? []) bell.ring();
  }

  return {
    async wake(group) {
      ring(group);
      try {
        await channels.wake(group);
      } catch (err) {
        logger.warn({ err }, 'other replicas were not told of a meeting’s messages');
      }
    },

    listen(group) {
      const bell = createBell();
      const here = bells.get(group) ?? new Set();
      bells.set(group, here.add(bell));
      const heard = channels
        .onWake(group, () => bell.ring())
        .catch((err: unknown) => {
          logger.warn({ err }, 'other replicas’ messages of a meeting are only polled for');
          return () => {};
        });
      return {
        bell,
        close() {
          here.delete(bell);
          if (here.size === 0 && bells.get(group) === here) bells.delete(group);
          void heard.then((forget) => forget());
        },
      };
    },
  };
}
