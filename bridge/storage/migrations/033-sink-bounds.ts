import type { Transaction } from '../database.ts';

/** What of a sink's beginning its buffer does not bound; and how many of its dead letters were forgotten. */
export async function up({ schema }: Transaction): Promise<void> {
  for (const column of ['backlog_to', 'forgotten', 'forgotten_told'] as const) {
    await schema
      .alterTable('sink_states')
      .addColumn(column, 'integer', (added) => added.notNull().defaultTo(0))
      .execute();
  }
  await schema.alterTable('sink_states').addColumn('forgotten_reported', 'integer').execute();
}
