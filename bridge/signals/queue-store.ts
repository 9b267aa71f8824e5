import { expressionBuilder } from 'kysely';
import { newId } from '../lib/ids.ts';
import { SIGNAL_WORDS_LENGTH } from '../lib/limits.ts';
import type { Query, Transaction } from '../storage/database.ts';
import { repeatedStatement } from '../storage/repeated-statement.ts';
import type { SignalOutboxTable, SignalQueuesTable } from '../storage/tables/signals.ts';
import type { Tables } from '../storage/tables.ts';
import type { QueuedSignal, SignalClaims } from './signal.ts';

export type SignalQueue = Readonly<SignalQueuesTable>;

/** Puts signals behind those that wait for this receiver; `now` in seconds. */
export async function enqueue(
  tx: Transaction,
  queue: string,
  signals: readonly SignalClaims[],
  now: number,
): Promise<void> {
  if (signals.length === 0) return;
  const tail = (await findQueue(tx, queue))?.tail ?? 0;
  const rows = signals.map((claims, index) => ({
    ...{ queue, position: tail + index + 1, jti: newId() },
    ...{ claims: JSON.stringify(claims), created: now },
  }));
  await insertSignals(tx, rows);
  const none = { holder: null, held_until: 0, sent: 0, given_up: 0, failures: 0 };
  const unknown = { last_success: null, error_time: null, error_code: null, error_detail: null };
  const moved = { tail: tail + rows.length };
  await tx
    .insertInto('signal_queues')
    .values({ queue, ...moved, ...none, ...unknown })
    .onConflict((conflict) => conflict.column('queue').doUpdateSet(moved))
    .execute();
}

const insertSignals = repeatedStatement((tx, rows: SignalOutboxTable[]) =>
  tx.insertInto('signal_outbox').values(rows),
);

export async function findQueue(
  reader: Query | Transaction,
  queue: string,
): Promise<SignalQueue | undefined> {
  return reader.selectFrom('signal_queues').selectAll().where('queue', '=', queue).executeTakeFirst();
}

/**
 * The queues in which something waits: since when (seconds), and how far its oldest signal is behind the newest. Read from
 * both ends of each queue: a receiver that fetches nothing must not slow the others.
 */
export async function waitingQueues(
  query: Query,
): Promise<readonly { queue: string; behind: number; oldest: number }[]> {
  const rows = await query
    .selectFrom('signal_queues')
    .select(['queue', 'tail', firstOf('position').as('first'), firstOf('created').as('oldest')])
    .execute();
  return rows.flatMap(({ queue, tail, first, oldest }) =>
    first === null || oldest === null ? [] : [{ queue, behind: tail - first + 1, oldest }],
  );
}

/** Of the oldest signal in the queue; null where none waits. */
function firstOf(column: 'position' | 'created') {
  const { selectFrom } = expressionBuilder<Tables, 'signal_queues'>();
  return selectFrom('signal_outbox')
    .select(`signal_outbox.${column}`)
    .whereRef('signal_outbox.queue', '=', 'signal_queues.queue')
    .orderBy('signal_outbox.position')
    .limit(1);
}

/** How many signals wait in a queue. */
export async function countWaiting(query: Query, queue: string): Promise<number> {
  const { waiting } = await query
    .selectFrom('signal_outbox')
    .select(({ fn }) => fn.countAll().as('waiting'))
    .where('queue', '=', queue)
    .executeTakeFirstOrThrow();
  return Number(waiting);
}

/** The oldest signals that wait, in order. */
export async function nextSignals(
  reader: Query | Transaction,
  queue: string,
  limit: number,
): Promise<QueuedSignal[]> {
  const rows = await reader
    .selectFrom('signal_outbox')
    .select(['position', 'jti', 'claims'])
    .where('queue', '=', queue)
    .orderBy('position')
    .limit(limit)
    .execute();
  return rows.map(({ claims, ...row }) => ({ ...row, claims: JSON.parse(claims) }));
}

/** Takes the queue for this process until `until`, seconds. `false`: another one sends. */
export async function holdQueue(
  tx: Transaction,
  queue: string,
  { holder, now, until }: { holder: string; now: number; until: number },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('signal_queues')
    .set({ holder, held_until: until })
    .where('queue', '=', queue)
    .where(({ eb, or }) =>
      or([eb('holder', 'is', null), eb('holder', '=', holder), eb('held_until', '<', now)]),
    )
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** What came of a batch: what is over, and what is wrong. */
export interface QueueOutcome {
  /** Taken or refused for good: forgotten. */
  readonly done: readonly string[];
  readonly sent: number;
  readonly givenUp: number;
  readonly fault: { readonly code: string; readonly detail: string } | undefined;
}

/** Stores what came of a batch, and lets go of the queue; `now` in seconds. */
export async function settleQueue(
  tx: Transaction,
  queue: string,
  { done, sent, givenUp, fault }: QueueOutcome,
  now: number,
): Promise<void> {
  await deleteSignals(tx, queue, done);
  await tx
    .updateTable('signal_queues')
    .set(({ eb }) => ({
      ...{ holder: null, held_until: 0 },
      sent: eb('sent', '+', sent),
      given_up: eb('given_up', '+', givenUp),
      ...(sent > 0 ? { last_success: now } : {}),
      ...(fault === undefined
        ? { failures: 0 }
        : {
            failures: eb('failures', '+', 1),
            ...{ error_time: now, error_code: fault.code },
            error_detail: fault.detail.slice(0, SIGNAL_WORDS_LENGTH),
          }),
    }))
    .where('queue', '=', queue)
    .execute();
}

/** Answers how many there were. */
export async function deleteSignals(
  tx: Transaction,
  queue: string,
  jtis: readonly string[],
): Promise<number> {
  if (jtis.length === 0) return 0;
  const { numDeletedRows } = await tx
    .deleteFrom('signal_outbox')
    .where('queue', '=', queue)
    .where('jti', 'in', jtis)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** Deletes the oldest: those made before `time` (seconds), and all but the newest `length`. Answers how many. */
export async function trimQueue(
  tx: Transaction,
  queue: string,
  { time, length }: { time: number; length: number },
): Promise<number> {
  const tail = (await findQueue(tx, queue))?.tail ?? 0;
  const { numDeletedRows } = await tx
    .deleteFrom('signal_outbox')
    .where('queue', '=', queue)
    .where(({ eb, or }) => or([eb('created', '<', time), eb('position', '<=', tail - length)]))
    .executeTakeFirstOrThrow();
  const trimmed = Number(numDeletedRows);
  if (trimmed > 0) {
    await tx
      .updateTable('signal_queues')
      .set(({ eb }) => ({ given_up: eb('given_up', '+', trimmed) }))
      .where('queue', '=', queue)
      .execute();
  }
  return trimmed;
}

/** Forgets a queue and all that waits in it; answers how much that was. */
export async function deleteQueue(tx: Transaction, queue: string): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('signal_outbox')
    .where('queue', '=', queue)
    .executeTakeFirstOrThrow();
  await tx.deleteFrom('signal_queues').where('queue', '=', queue).execute();
  return Number(numDeletedRows);
}
