import type { Transaction } from '../database.ts';

/** `person` apps redirect a browser; `room` apps are systems without a keyboard. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .alterTable('apps')
    .addColumn('kind', 'text', (column) => column.notNull().defaultTo('person'))
    .execute();
}
