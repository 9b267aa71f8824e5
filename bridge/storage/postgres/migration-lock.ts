import pg from 'pg';
import { fromPostgres } from './errors.ts';
import { type ConnectionOptions, clientConfig, type HostChoice } from './pool.ts';

/** Another replica may be at a migration that takes its time. */
const WAIT_MS = 10 * 60_000;

/** Ours among the advisory locks of the database; the schema, where tables of two bridges are apart, is the other half. */
const LOCK = 'select pg_advisory_lock(1398100814, hashtext(current_schema()))';

/**
 * Runs `work` while no other process on the same tables does, on a connection of its own: when that ends, however it
 * ends, so does the lock. Makes the schema first, if one is named.
 */
export async function withMigrationLock<T>(
  options: ConnectionOptions,
  hosts: HostChoice,
  work: () => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    ...clientConfig(options, 'writes', hosts.current, {
      lock_timeout: String(WAIT_MS),
      statement_timeout: String(WAIT_MS),
    }),
    query_timeout: WAIT_MS,
  });
  // a failing statement says it
  client.on('error', () => {});
  try {
    await client.connect();
    const { schema } = options.target;
    if (schema !== undefined)
      await client.query(`create schema if not exists ${client.escapeIdentifier(schema)}`);
    await client.query(LOCK);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw fromPostgres(error);
  }
  try {
    return await work();
  } finally {
    await client.end().catch(() => undefined);
  }
}
