import type { Transaction } from '../storage/database.ts';
import type { EventInput, StoredEvent } from './event.ts';

export type { Actor, EventInput, EventSubject, StoredEvent } from './event.ts';

/**
 * The security event log. What is reported is stored in the transaction of the change; `seq` and the hash link come
 * after commit, from one sequencer (PROTOCOL §8). An event that is not in the catalogue is `internal`.
 */
export interface EventLog {
  /** Reports a change, in the transaction of the change: both are stored or neither. */
  append(tx: Transaction, event: EventInput): Promise<void>;

  /**
   * Reports what changes nothing else: a read, a refusal. Resolves when it is on disk, committed in a group with
   * others. Not to be called inside a transaction (`storage_nested`).
   */
  record(event: EventInput): Promise<void>;

  /**
   * Up to `limit` events with a `seq` above `since`, in the order of `seq`; of 0 the oldest that there are. Gapless:
   * throws `events_pruned`, naming the oldest, where the content of the next one is not kept any more.
   */
  page(query: { since: number; limit: number }): Promise<StoredEvent[]>;

  /** Begins to sequence. */
  start(): void;

  /** Stops sequencing, after what is staged has its place. */
  stop(): Promise<void>;
}
