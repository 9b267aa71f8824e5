import type { Query, Transaction } from '../../storage/database.ts';
import type { SinksTable } from '../../storage/tables/events.ts';

export type SinkRow = Readonly<SinksTable>;

export async function listSinks(query: Query): Promise<SinkRow[]> {
  return query.selectFrom('sinks').selectAll().orderBy('name').execute();
}

export async function findSink(query: Query, idOrName: string): Promise<SinkRow | undefined> {
  return query
    .selectFrom('sinks')
    .selectAll()
    .where(({ or, eb }) => or([eb('id', '=', idOrName), eb('name', '=', idOrName)]))
    .executeTakeFirst();
}

export async function countSinks(query: Query): Promise<number> {
  const { sinks } = await query
    .selectFrom('sinks')
    .select(({ fn }) => fn.countAll().as('sinks'))
    .executeTakeFirstOrThrow();
  return Number(sinks);
}

export async function insertSink(tx: Transaction, row: SinksTable): Promise<void> {
  await tx.insertInto('sinks').values(row).execute();
}

/** `false` if it was changed or removed since this revision was read. */
export async function updateSink(
  tx: Transaction,
  { id, revision }: Pick<SinkRow, 'id' | 'revision'>,
  change: Partial<Omit<SinksTable, 'id' | 'kind' | 'created' | 'revision'>>,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('sinks')
    .set({ ...change, revision: revision + 1 })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

export async function deleteSink(tx: Transaction, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('sinks').where('id', '=', id).executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}
