import type { Reading, RelayMessage } from './relay-message.ts';

/** How somebody's waiting ended. */
export interface Waited {
  /** There is something for them, the time is over, or the signal was aborted. */
  readonly why: 'message' | 'quiet' | 'aborted';
  /** Where the messages ended at that moment: nothing up to there concerned them since they began to wait. */
  readonly place: number;
}

/**
 * Who waits for the next messages of a meeting. Each is woken by what concerns it alone: ten thousand who join are told
 * to the admins, and cost the other ten thousand who listen nothing.
 */
export interface WaitingReaders {
  /** Waits for a message that concerns this reader, for `ms`, or until the signal is aborted. It never rejects. */
  wait(reading: Reading, ms: number, signal: AbortSignal): Promise<Waited>;
  /** Wakes whom these messages concern, before they are added to those that there are. It looks at nobody else. */
  wake(messages: readonly RelayMessage[]): void;
}

interface Waiter {
  wake(why: Waited['why']): void;
}

/** `end` tells where the messages that there are end. */
export function createWaitingReaders(end: () => number): WaitingReaders {
  const waiting = new Map<string, Set<Waiter>>();

  function enter(topic: string, waiter: Waiter): void {
    const there = waiting.get(topic);
    if (there === undefined) waiting.set(topic, new Set([waiter]));
    else there.add(waiter);
  }

  function leave(topic: string, waiter: Waiter): void {
    const there = waiting.get(topic);
    there?.delete(waiter);
    if (there?.size === 0) waiting.delete(topic);
  }

  return {
    wait(reading, ms, signal) {
      if (signal.aborted) return Promise.resolve({ why: 'aborted', place: end() });
      const topics = topicsOf(reading);
      return new Promise((resolve) => {
        const waiter: Waiter = {
          wake(why) {
            clearTimeout(timer);
            signal.removeEventListener('abort', aborted);
            for (const topic of topics) leave(topic, waiter);
            // Now, and not when they go on: more may be added until then.
            resolve({ why, place: end() });
          },
        };
        const aborted = () => waiter.wake('aborted');
        const timer = setTimeout(() => waiter.wake('quiet'), ms);
        signal.addEventListener('abort', aborted, { once: true });
        for (const topic of topics) enter(topic, waiter);
      });
    },

    wake(messages) {
      for (const topic of new Set(messages.flatMap(topicsWith))) {
        for (const waiter of waiting.get(topic) ?? []) waiter.wake('message');
      }
    },
  };
}

const EVERYBODY = 'everybody';
const ADMINS = 'admins';
const deviceOf = (iss: string | null, deviceId: string | null) => `device ${iss} ${deviceId}`;
const partnerOf = (iss: string | null) => `partner ${iss}`;

/** What this reader hears of. */
function topicsOf({ iss, deviceId, admin }: Reading): string[] {
  if (deviceId === null) return [EVERYBODY, partnerOf(iss)];
  return [EVERYBODY, deviceOf(iss, deviceId), ...(admin ? [ADMINS] : [])];
}

/** Where this message is heard of, as `concerns` says it: one of a reader’s topics where it concerns that reader. */
function topicsWith({ kind, iss, deviceId }: RelayMessage): string[] {
  switch (kind) {
    case 'rekey':
    case 'group':
    case 'ended':
      return [EVERYBODY];
    case 'placement':
      return [deviceOf(iss, deviceId), partnerOf(iss)];
    case 'left':
      return [ADMINS, deviceOf(iss, deviceId), partnerOf(iss)];
    case 'presence':
      return [ADMINS];
  }
}
