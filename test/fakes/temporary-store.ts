import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import type { Clock } from '../../bridge/lib/clock.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openReachable } from './open-reachable.ts';

/** A real store of its own, with the schema in place. */
export interface TemporaryStore {
  readonly database: Database;
  /** What `openReachable` opens the same store by, in another process. */
  readonly reach: string;
  /** Another handle on the same store, as another process has it. */
  openAnother(): Promise<Database>;
  remove(): Promise<void>;
}

/** Embedded, or on PostgreSQL in the runs of the tests that say so (vitest.config.ts). */
export async function temporaryStore(clock: Clock): Promise<TemporaryStore> {
  const place = process.env.COUNTERSIGN_TEST_STORE === 'postgres' ? await ownSchema() : await ownFile();
  const database = await openReachable(place.reach, clock);
  const others: Database[] = [];
  await database.migrate();
  return {
    database,
    reach: place.reach,
    async openAnother() {
      const other = await openReachable(place.reach, clock);
      others.push(other);
      return other;
    },
    async remove() {
      await Promise.all([database, ...others].map((open) => open.close()));
      await place.remove();
    },
  };
}

interface Place {
  readonly reach: string;
  remove(): Promise<void>;
}

async function ownFile(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  return { reach: join(folder, 'bridge.db'), remove: () => rm(folder, { recursive: true }) };
}

/** Schemas of this process that nobody uses: emptying one takes a tenth of the time that migrating one takes. */
const unused: string[] = [];

async function ownSchema(): Promise<Place> {
  const url = inject('postgresUrl');
  if (url === null) throw new Error('no PostgreSQL server was started for these tests');
  const schema = unused.pop() ?? `test_${randomBytes(8).toString('hex')}`;
  await empty(url, schema);
  return {
    reach: `${url}?schema=${schema}`,
    async remove() {
      unused.push(schema);
    },
  };
}

async function empty(url: string, schema: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, ssl: false });
  await client.connect();
  try {
    await client.query(`do $$ declare found text; begin
      set local session_replication_role = replica;
      for found in select tablename from pg_tables where schemaname = '${schema}' and tablename <> 'schema_migrations'
      loop execute format('delete from ${schema}.%I', found); end loop;
    end $$`);
  } finally {
    await client.end();
  }
}

/** `storage` and `cache` of a bridge's configuration, for stores of its own; `env` has their URLs. */
export async function temporaryStores(): Promise<{
  readonly settings: object;
  readonly env: Record<string, string>;
  remove(): Promise<void>;
}> {
  if (process.env.COUNTERSIGN_TEST_STORE !== 'postgres') {
    return {
      settings: { storage: { driver: 'sqlite', path: 'bridge.db' } },
      env: {},
      remove: async () => {},
    };
  }
  const { reach, remove } = await ownSchema();
  const redisUrl = inject('redisUrl');
  const prefix = `test-${randomBytes(8).toString('hex')}:`;
  const cache = { driver: 'redis', url: { env: 'TEST_CACHE_URL' }, prefix };
  return {
    settings: {
      storage: { driver: 'postgres', url: { env: 'TEST_DATABASE_URL' } },
      ...(redisUrl === null ? {} : { cache }),
    },
    env: { TEST_DATABASE_URL: reach, TEST_CACHE_URL: redisUrl ?? '' },
    remove,
  };
}
