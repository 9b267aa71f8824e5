import type { Query, Transaction } from '../../storage/database.ts';
import type { SinkStatesTable } from '../../storage/tables/events.ts';
import { newestSeq } from '../event-store.ts';
import { readPruned } from '../prune-store.ts';

export type SinkState = Readonly<SinkStatesTable>;

export async function findState(query: Query, sink: string): Promise<SinkState | undefined> {
  return query.selectFrom('sink_states').selectAll().where('sink', '=', sink).executeTakeFirst();
}

export async function listStates(query: Query): Promise<SinkState[]> {
  return query.selectFrom('sink_states').selectAll().execute();
}

/** Where a sink begins. */
export interface SinkStart {
  readonly settled: number;
  /** Up to here its buffer does not bound what it is behind. */
  readonly backlog_to: number;
}

/** The first event that is kept: whatever is there already waits for it, however much that is. */
export async function firstKept(query: Query): Promise<SinkStart> {
  return { settled: (await readPruned(query)).seq, backlog_to: await newestSeq(query) };
}

/** The next event. */
export async function nextEvent(query: Query): Promise<SinkStart> {
  return { settled: await newestSeq(query), backlog_to: 0 };
}

/** A sink without a state gets one that begins there. */
export async function insertState(
  tx: Transaction,
  sink: string,
  { settled, backlog_to }: SinkStart,
): Promise<void> {
  const row = {
    ...{ sink, settled, backlog_to, beat: 0, delivered: 0, failures: 0, failing: 0, alarm: 0 },
    ...{ forgotten: 0, forgotten_told: 0 },
  };
  await tx
    .insertInto('sink_states')
    .values(row)
    .onConflict((conflict) => conflict.column('sink').doNothing())
    .execute();
}

/** Keeps the sink from being removed until the transaction has ended; `false` where it was removed. */
export async function holdState(tx: Transaction, sink: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('sink_states')
    .set(({ ref }) => ({ alarm: ref('alarm') }))
    .where('sink', '=', sink)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

export async function deleteState(tx: Transaction, sink: string): Promise<void> {
  await tx.deleteFrom('sink_states').where('sink', '=', sink).execute();
}

/** Makes `holder` the one that delivers, if the state is as it was seen. */
export async function takeState(
  tx: Transaction,
  seen: Pick<SinkState, 'sink' | 'holder' | 'beat'>,
  holder: string,
): Promise<SinkState | undefined> {
  return tx
    .updateTable('sink_states')
    .set({ holder, beat: seen.beat + 1 })
    .where('sink', '=', seen.sink)
    .where('beat', '=', seen.beat)
    .where('holder', seen.holder === null ? 'is' : '=', seen.holder)
    .returningAll()
    .executeTakeFirst();
}

/** Shows that the holder is there; answers the sinks that it holds. */
export async function beatStates(tx: Transaction, holder: string): Promise<string[]> {
  const rows = await tx
    .updateTable('sink_states')
    .set(({ eb }) => ({ beat: eb('beat', '+', 1) }))
    .where('holder', '=', holder)
    .returning('sink')
    .execute();
  return rows.map(({ sink }) => sink);
}

export async function releaseState(tx: Transaction, sink: string, holder: string): Promise<void> {
  await tx
    .updateTable('sink_states')
    .set(({ eb }) => ({ holder: null, beat: eb('beat', '+', 1) }))
    .where('sink', '=', sink)
    .where('holder', '=', holder)
    .execute();
}

export type StateChange = Partial<
  Pick<
    SinkStatesTable,
    | 'failures'
    | 'last_success'
    | 'error_time'
    | 'error_code'
    | 'error_detail'
    | 'failing'
    | 'failing_reported'
    | 'refused_reported'
  >
> & {
  readonly settled: number;
  /** Events that it has taken since. */
  readonly taken: number;
};

/**
 * Stores what the holder has come to. The place only moves forward: answers the one that is stored, or undefined where
 * another holds the sink, or nobody.
 */
export async function storeProgress(
  tx: Transaction,
  sink: string,
  holder: string,
  { settled, taken, ...change }: StateChange,
): Promise<number | undefined> {
  const row = await tx
    .updateTable('sink_states')
    .set(({ eb, ref }) => ({
      ...change,
      beat: eb('beat', '+', 1),
      delivered: eb('delivered', '+', taken),
      settled: eb.case().when('settled', '<', settled).then(settled).else(ref('settled')).end(),
    }))
    .where('sink', '=', sink)
    .where('holder', '=', holder)
    .returning('settled')
    .executeTakeFirst();
  return row?.settled;
}

/** Moves a sink on over events that it is not to get any more; `false` if it moved meanwhile. */
export async function giveUp(
  tx: Transaction,
  sink: string,
  from: number,
  to: number,
  reported: number,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('sink_states')
    .set({ settled: to, overflow_reported: reported })
    .where('sink', '=', sink)
    .where('settled', '=', from)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Moves a sink on over an event that is laid aside, and what its filter leaves out before; `false` if it moved meanwhile. */
export async function moveOn(tx: Transaction, sink: string, from: number, to: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('sink_states')
    .set({ settled: to })
    .where('sink', '=', sink)
    .where('settled', '=', from)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Notes which alarm was raised last; `false` if another did it. */
export async function moveAlarm(tx: Transaction, sink: string, from: number, to: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('sink_states')
    .set({ alarm: to })
    .where('sink', '=', sink)
    .where('alarm', '=', from)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** So many more of its dead letters were forgotten. */
export async function countForgotten(tx: Transaction, sink: string, count: number): Promise<void> {
  await tx
    .updateTable('sink_states')
    .set(({ eb }) => ({ forgotten: eb('forgotten', '+', count) }))
    .where('sink', '=', sink)
    .execute();
}

/** Notes that an event tells of all that were forgotten until it was seen so; `false` if another did it. */
export async function tellForgotten(
  tx: Transaction,
  seen: Pick<SinkState, 'sink' | 'forgotten' | 'forgotten_told'>,
  reported: number,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('sink_states')
    .set({ forgotten_told: seen.forgotten, forgotten_reported: reported })
    .where('sink', '=', seen.sink)
    .where('forgotten_told', '=', seen.forgotten_told)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}
