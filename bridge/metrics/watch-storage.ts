import { isCountersignError } from '../../protocol/errors.ts';
import type { Cache } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';
import type { Metrics } from './metrics.ts';

/** The same database; what it cannot do is counted. Errors of the work that runs in it are none of its own. */
export function watchDatabase(database: Database, metrics: Metrics): Database {
  const counted = counting((code) => metrics.count('countersign_database_errors_total', { code }));
  return {
    dialect: database.dialect,
    read: (work) => counted(database.read(work)),
    revision: () => counted(database.revision()),
    transaction: (work, options) => counted(database.transaction(work, options)),
    migrate: () => counted(database.migrate()),
    close: () => database.close(),
  };
}

/** The same cache; what it cannot do is counted. */
export function watchCache(cache: Cache, metrics: Metrics): Cache {
  const counted = counting((code) => metrics.count('countersign_cache_errors_total', { code }));
  return {
    get: (key) => counted(cache.get(key)),
    set: (key, value, ttlMs) => counted(cache.set(key, value, ttlMs)),
    delete: (key) => counted(cache.delete(key)),
    take: (key) => counted(cache.take(key)),
    consumeOnce: (key, ttlMs, issuedAt) => counted(cache.consumeOnce(key, ttlMs, issuedAt)),
    increment: (key, ttlMs) => counted(cache.increment(key, ttlMs)),
    onWake: (channel, listener) => counted(cache.onWake(channel, listener)),
    wake: (channel) => counted(cache.wake(channel)),
    close: () => cache.close(),
  };
}

const OWN_CODES = /^(storage_.*|unavailable|state_refused)$/;

function counting(count: (code: string) => void): <T>(work: Promise<T>) => Promise<T> {
  return async (work) => {
    try {
      return await work;
    } catch (error) {
      if (isCountersignError(error) && OWN_CODES.test(error.code)) count(error.code);
      throw error;
    }
  };
}
