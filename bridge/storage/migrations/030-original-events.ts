import type { Transaction } from '../database.ts';

/** Whether a sink sends the original beside the event in another format. `sink_states` took the place of the cursors. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .alterTable('sinks')
    .addColumn('original', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema.dropTable('event_cursors').execute();
}
