import { sql } from 'kysely';
import type { Transaction } from '../database.ts';

/** Sinks that administrators make, how far each is, what it refused, and what is brought to it once more. */
export async function up(transaction: Transaction): Promise<void> {
  const { schema } = transaction;
  await schema
    .createTable('sinks')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('format', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .addColumn('filter', 'text', (column) => column.notNull())
    .addColumn('redaction', 'text', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('changed', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('sink_states')
    .addColumn('sink', 'text', (column) => column.primaryKey().notNull())
    .addColumn('settled', 'integer', (column) => column.notNull())
    .addColumn('holder', 'text')
    .addColumn('beat', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('delivered', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('failures', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('last_success', 'integer')
    .addColumn('error_time', 'integer')
    .addColumn('error_code', 'text')
    .addColumn('error_detail', 'text')
    .addColumn('failing', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('failing_reported', 'integer')
    .addColumn('refused_reported', 'integer')
    .addColumn('overflow_reported', 'integer')
    .addColumn('alarm', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema
    .createTable('sink_dead_letters')
    .addColumn('sink', 'text', (column) => column.notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('event_id', 'text', (column) => column.notNull())
    .addColumn('words', 'text', (column) => column.notNull())
    .addColumn('refused', 'integer', (column) => column.notNull())
    .addColumn('tries', 'integer', (column) => column.notNull())
    .addColumn('resend', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('sink_dead_letters_once', ['sink', 'seq'])
    .execute();
  await schema
    .createTable('sink_replays')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sink', 'text', (column) => column.notNull())
    .addColumn('from_seq', 'integer', (column) => column.notNull())
    .addColumn('to_seq', 'integer', (column) => column.notNull())
    .addColumn('done_seq', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .execute();
  await schema.createIndex('sink_replays_by_sink').on('sink_replays').columns(['sink', 'id']).execute();
  // The sink of the configuration goes on where it stood.
  await sql`insert into sink_states (sink, settled) select sink, seq from event_cursors`.execute(transaction);
}
