import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { inject } from 'vitest';

/** Where one store is. */
export interface StorePlace {
  /** What `openReachable` opens it by. */
  readonly reach: string;
  /** When nobody has it open. */
  remove(): Promise<void>;
}

/** A part of the Redis server of this run. */
export interface KeyPlace {
  readonly url: string;
  readonly prefix: string;
  remove(): Promise<void>;
}

export async function ownFile(): Promise<StorePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  return { reach: join(folder, 'bridge.db'), remove: () => rm(folder, { recursive: true }) };
}

/**
 * An empty schema on the PostgreSQL server of this run. Where one is free that others have migrated, it is emptied and
 * taken: that takes a tenth of the time that migrating one takes.
 */
export async function ownSchema(): Promise<StorePlace> {
  const url = inject('postgresUrl');
  if (url === null) throw new Error('no PostgreSQL server was started for these tests');
  const schema = await onServer(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(TAKE_FREE);
    const free = rows[0]?.name;
    if (free !== undefined) await client.query(emptying(free));
    return free ?? `test_${randomBytes(8).toString('hex')}`;
  });
  return {
    reach: `${url}?schema=${schema}`,
    remove: () => onServer(url, (client) => client.query(ADD_FREE, [schema])).then(() => undefined),
  };
}

/** Keys of its own on the Redis server of this run; `undefined` where there is none. */
export function ownKeys(): KeyPlace | undefined {
  const url = inject('redisUrl');
  if (url === null) return undefined;
  const prefix = `test-${randomBytes(8).toString('hex')}:`;
  return { url, prefix, remove: () => removeKeys(url, prefix) };
}

/** Made by the global set-up: the schemas that no test has now. */
export const FREE_SCHEMAS = 'create table public.free_schemas (name text primary key)';
const ADD_FREE = 'insert into public.free_schemas values ($1)';
const TAKE_FREE = `delete from public.free_schemas where name =
  (select name from public.free_schemas limit 1 for update skip locked) returning name`;

/** Its rows, and the triggers that a test has left there. */
function emptying(schema: string): string {
  return `do $$ declare found record; begin
    set local session_replication_role = replica;
    for found in select tgname, relname from pg_trigger join pg_class on pg_class.oid = tgrelid
      where relnamespace = '${schema}'::regnamespace and not tgisinternal
    loop execute format('drop trigger %I on ${schema}.%I', found.tgname, found.relname); end loop;
    for found in select tablename from pg_tables where schemaname = '${schema}' and tablename <> 'schema_migrations'
    loop execute format('delete from ${schema}.%I', found.tablename); end loop;
  end $$`;
}

async function onServer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, ssl: false });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function removeKeys(url: string, prefix: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true });
  await client.connect();
  try {
    const found = await client.keys(`${prefix}*`);
    if (found.length > 0) await client.unlink(...found);
  } finally {
    client.disconnect();
  }
}
