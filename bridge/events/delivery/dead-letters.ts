import type { RefusedEvent } from '../../../connectors/siem/sink.ts';
import { SINK_DEAD_LETTERS } from '../../lib/limits.ts';
import type { Query, Transaction } from '../../storage/database.ts';
import { repeatedStatement } from '../../storage/repeated-statement.ts';
import type { SinkDeadLettersTable } from '../../storage/tables/events.ts';
import { countForgotten, holdState } from './sink-states.ts';

export type DeadLetter = Readonly<SinkDeadLettersTable>;

const keep = repeatedStatement<SinkDeadLettersTable>((tx, rows) =>
  tx
    .insertInto('sink_dead_letters')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['sink', 'seq']).doUpdateSet(({ eb, ref }) => ({
        words: ref('excluded.words'),
        refused: ref('excluded.refused'),
        tries: eb('sink_dead_letters.tries', '+', ref('excluded.tries')),
        resend: ref('excluded.resend'),
      })),
    ),
);

/**
 * Keeps what the receiver refused at `time`, however much it is. Beyond the limit the oldest are forgotten, and counted,
 * but for those that are about to be sent again. Of a removed sink it keeps nothing.
 */
export async function storeDeadLetters(
  tx: Transaction,
  sink: string,
  refused: readonly RefusedEvent[],
  time: number,
): Promise<void> {
  if (refused.length === 0 || !(await holdState(tx, sink))) return;
  const rows = refused.map(({ seq, event_id, words }) => ({
    ...{ sink, seq, event_id, words },
    ...{ refused: time, tries: 1, resend: 0 },
  }));
  await keep(tx, rows);
  const forgotten = await forgetOldest(tx, sink);
  if (forgotten > 0) await countForgotten(tx, sink, forgotten);
}

/** Answers how many. */
async function forgetOldest(tx: Transaction, sink: string): Promise<number> {
  const last = await tx
    .selectFrom('sink_dead_letters')
    .select('seq')
    .where('sink', '=', sink)
    .where('resend', '=', 0)
    .orderBy('seq', 'desc')
    .offset(SINK_DEAD_LETTERS)
    .limit(1)
    .executeTakeFirst();
  if (last === undefined) return 0;
  const { numDeletedRows } = await tx
    .deleteFrom('sink_dead_letters')
    .where('sink', '=', sink)
    .where('resend', '=', 0)
    .where('seq', '<=', last.seq)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

export async function readDeadLetters(
  query: Query,
  sink: string,
  { after = 0, limit }: { after?: number | undefined; limit: number },
): Promise<DeadLetter[]> {
  return query
    .selectFrom('sink_dead_letters')
    .selectAll()
    .where('sink', '=', sink)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .execute();
}

export async function countDeadLetters(query: Query): Promise<ReadonlyMap<string, number>> {
  const rows = await query
    .selectFrom('sink_dead_letters')
    .select(({ fn }) => ['sink', fn.countAll<number>().as('letters')])
    .groupBy('sink')
    .execute();
  return new Map(rows.map(({ sink, letters }) => [sink, Number(letters)]));
}

/** Marks them to be sent again; answers how many there were. */
export async function markForResend(
  tx: Transaction,
  sink: string,
  seqs: readonly number[] | 'all',
): Promise<number> {
  const update = tx.updateTable('sink_dead_letters').set({ resend: 1 }).where('sink', '=', sink);
  const { numUpdatedRows } = await (seqs === 'all'
    ? update
    : update.where('seq', 'in', [...seqs])
  ).executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** `seq`s of those to be sent again, behind `since`. */
export async function resendable(
  query: Query,
  sink: string,
  since: number,
  limit: number,
): Promise<number[]> {
  const rows = await query
    .selectFrom('sink_dead_letters')
    .select('seq')
    .where('sink', '=', sink)
    .where('resend', '=', 1)
    .where('seq', '>', since)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map(({ seq }) => seq);
}

export async function hasResendable(query: Query, sink: string): Promise<boolean> {
  return (await resendable(query, sink, 0, 1)).length > 0;
}

/** Forgets those that were sent again and are with the receiver now. */
export async function forgetResent(tx: Transaction, sink: string, seqs: readonly number[]): Promise<void> {
  if (seqs.length === 0) return;
  await tx
    .deleteFrom('sink_dead_letters')
    .where('sink', '=', sink)
    .where('resend', '=', 1)
    .where('seq', 'in', [...seqs])
    .execute();
}

/** Takes back that they are to be sent again, and says why. */
export async function refuseResend(
  tx: Transaction,
  sink: string,
  seqs: readonly number[],
  words: string,
): Promise<void> {
  await tx
    .updateTable('sink_dead_letters')
    .set({ resend: 0, words })
    .where('sink', '=', sink)
    .where('seq', 'in', [...seqs])
    .execute();
}

/** Answers how many there were. */
export async function deleteDeadLetters(
  tx: Transaction,
  sink: string,
  seqs: readonly number[] | 'all',
): Promise<number> {
  const deletion = tx.deleteFrom('sink_dead_letters').where('sink', '=', sink);
  const { numDeletedRows } = await (seqs === 'all'
    ? deletion
    : deletion.where('seq', 'in', [...seqs])
  ).executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
