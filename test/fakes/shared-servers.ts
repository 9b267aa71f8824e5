import type { TestProject } from 'vitest/node';
import { FREE_SCHEMAS } from './store-place.ts';
import { NO_POSTGRES, startPostgres } from './throwaway-postgres.ts';
import { NO_REDIS, startRedis } from './throwaway-redis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The one PostgreSQL server of this run, where each fixture has a schema of its own; `null`: none. */
    postgresUrl: string | null;
    /** The one Redis server of this run, where each fixture has a prefix of its own; `null`: none. */
    redisUrl: string | null;
  }
}

/** Every fixture connects a few times, and each password costs thousands of hashes on both sides. */
const WITHOUT_PASSWORDS = ['hba_file = pg_hba.conf'];
const FILES = { 'pg_hba.conf': 'host all all 127.0.0.1/32 trust\n' };

/** Vitest's global set-up: starts the servers that the tests of a run share, where they are installed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = NO_POSTGRES === undefined ? await startPostgres(WITHOUT_PASSWORDS, FILES) : undefined;
  const redis = NO_REDIS === undefined ? await startRedis() : undefined;
  await postgres?.query(FREE_SCHEMAS);
  project.provide('postgresUrl', postgres?.url() ?? null);
  project.provide('redisUrl', redis?.url ?? null);
  return async () => {
    await Promise.all([postgres?.stop(), redis?.stop()]);
  };
}
