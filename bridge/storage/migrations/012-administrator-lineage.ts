import type { Transaction } from '../database.ts';

/** Which token a token was made with, and how long the token of a link lives: 12 hours where nothing is said. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema.alterTable('administrator_tokens').addColumn('parent', 'text').execute();
  await schema.alterTable('bootstrap_links').addColumn('token_life', 'integer').execute();
}
