import type { Query } from '../storage/database.ts';
import { waitingQueues } from './queue-store.ts';

/** By whom signals are got: partners, receivers that are pushed to, and receivers that poll. */
export const QUEUE_KINDS = ['partner', 'push', 'poll'] as const;
export type QueueKind = (typeof QUEUE_KINDS)[number];

/** How all queues of a kind stand. */
export interface QueueTotals {
  readonly kind: QueueKind;
  /** Signals that were put into the queues that there are. */
  readonly queued: number;
  readonly delivered: number;
  /** Refused for good, or not taken in time. */
  readonly givenUp: number;
  readonly waiting: number;
  /** Age of the oldest that waits, seconds; 0 where none does. */
  readonly lag: number;
  /** Queues whose last try failed. */
  readonly failing: number;
}

/** One entry for each kind; `now` in seconds. */
export async function readQueueTotals(query: Query, now: number): Promise<QueueTotals[]> {
  const queues = await query
    .selectFrom('signal_queues')
    .leftJoin('signal_streams', 'signal_streams.id', 'signal_queues.queue')
    .select(['signal_queues.queue', 'tail', 'sent', 'given_up', 'failures', 'signal_streams.method'])
    .execute();
  const waiting = new Map((await waitingQueues(query)).map((each) => [each.queue, each]));
  return QUEUE_KINDS.map((kind) => {
    const ofKind = queues.filter(({ method }) => (method ?? 'partner') === kind);
    const behind = ofKind.flatMap(({ queue }) => waiting.get(queue) ?? []);
    const oldest = Math.min(now, ...behind.map((each) => each.oldest));
    return {
      kind,
      queued: sum(ofKind.map(({ tail }) => tail)),
      delivered: sum(ofKind.map(({ sent }) => sent)),
      givenUp: sum(ofKind.map(({ given_up }) => given_up)),
      waiting: sum(behind.map((each) => each.behind)),
      lag: now - oldest,
      failing: ofKind.filter(({ failures }) => failures > 0).length,
    };
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + Number(number), 0);
}
