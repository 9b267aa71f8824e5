import { sql } from 'kysely';
import type { Database } from '../../bridge/storage/database.ts';

/**
 * Has the store refuse to give entries of the key log their place: what is committed stays staged. Answers what lets it
 * go on.
 */
export async function holdSequencer(store: Database): Promise<() => Promise<void>> {
  const run = (...statements: string[]) =>
    store.transaction(async (tx) => {
      for (const statement of statements) await sql.raw(statement).execute(tx);
    });
  if (store.dialect === 'sqlite') {
    await run(
      `create trigger held before update of position on logged_versions begin select raise(abort, 'held'); end`,
    );
    return () => run('drop trigger held');
  }
  await run(
    `create or replace function held() returns trigger language plpgsql as $$ begin raise exception 'held'; end $$`,
    'create trigger held before update of position on logged_versions for each row execute function held()',
  );
  return () => run('drop trigger held on logged_versions');
}
