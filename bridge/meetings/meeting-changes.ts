import { isCountersignError } from '../../protocol/errors.ts';
import { MEETING_JOINS_TOGETHER, MEETING_MESSAGES, MEETING_MESSAGES_LENGTH } from '../lib/limits.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { findMeeting, type Meeting, newMeeting, pruneMessages, type Retention } from './meeting-store.ts';
import type { MeetingWakes } from './wakes.ts';

/**
 * Changes a meeting in a transaction, and answers it as it is then. What it refuses, it refuses before it writes: it
 * may share the transaction with changes of others.
 */
export type MeetingChange<T> = (
  tx: Transaction,
  meeting: Meeting,
) => Promise<{ readonly meeting: Meeting; readonly result: T }>;

/**
 * Every change of a meeting writes its one row, to number the messages. So this process makes them one after another,
 * those that wait together in one transaction, and readers are woken behind it.
 */
export interface MeetingChanges {
  /** The caller knows that the group is a meeting's. Throws what the change throws, and what the store throws. */
  apply<T>(group: string, change: MeetingChange<T>): Promise<T>;
}

interface Waiting {
  readonly change: MeetingChange<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

export function createMeetingChanges(deps: {
  readonly database: Database;
  readonly wakes: MeetingWakes;
  /** For tests. */
  readonly keep?: Retention;
}): MeetingChanges {
  const { database, wakes } = deps;
  const keep = deps.keep ?? { messages: MEETING_MESSAGES, length: MEETING_MESSAGES_LENGTH };
  const queues = new Map<string, Waiting[]>();

  async function run(group: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) await commit(group, queue.splice(0, MEETING_JOINS_TOGETHER));
    queues.delete(group);
  }

  async function commit(group: string, together: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await database.transaction(async (tx) => {
        let meeting = (await findMeeting(tx, group)) ?? newMeeting(group);
        const settled: (() => void)[] = [];
        for (const { change, resolve, reject } of together) {
          try {
            const done = await change(tx, meeting);
            meeting = done.meeting;
            settled.push(() => resolve(done.result));
          } catch (error) {
            if (!isCountersignError(error) || error.code.startsWith('storage_')) throw error;
            settled.push(() => reject(error));
          }
        }
        await pruneMessages(tx, meeting, keep);
        return settled;
      });
      void wakes.wake(group);
      for (const settle of outcomes) settle();
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  }

  return {
    apply<T>(group: string, change: MeetingChange<T>): Promise<T> {
      return new Promise((resolve, reject) => {
        const queue = queues.get(group);
        const waiting: Waiting = { change, resolve: (result) => resolve(result as T), reject };
        if (queue !== undefined) {
          queue.push(waiting);
          return;
        }
        const begun = [waiting];
        queues.set(group, begun);
        void run(group, begun);
      });
    },
  };
}
