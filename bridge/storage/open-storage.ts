import { readFileSync } from 'node:fs';
import { CountersignError } from '../../protocol/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Cache } from './cache.ts';
import type { Database } from './database.ts';
import { MemoryCache } from './memory-cache.ts';
import type { RedisTopology } from './redis/connect.ts';
import { openSqlite } from './sqlite/open.ts';

/** Something that shows itself only when asked: URLs hold passwords. */
interface Revealed {
  reveal(): string;
}

/** `storage` of the configuration. */
export type StorageSettings =
  | { readonly driver: 'sqlite'; readonly path: string }
  | {
      readonly driver: 'postgres';
      readonly url: Revealed;
      readonly tls?: 'verify' | 'off' | undefined;
      readonly ca_file?: string | undefined;
      readonly pool_size: number;
    };

/** `cache` of the configuration. */
export type CacheSettings =
  | { readonly driver: 'memory' }
  | {
      readonly driver: 'redis';
      readonly url: Revealed;
      readonly topology: 'single' | 'sentinel' | 'cluster';
      readonly sentinel_group?: string | undefined;
      readonly sentinel_password?: Revealed | undefined;
      readonly ca_file?: string | undefined;
      readonly prefix: string;
      readonly timeout_ms: number;
    };

/**
 * The records, by the driver that is configured. `mustExist`: an embedded database is not made where there is none.
 * Throws as the drivers do; `config_invalid` for a file of certificates that is not there.
 */
export async function openDatabase(
  settings: StorageSettings,
  clock: Clock,
  { mustExist = false }: { readonly mustExist?: boolean } = {},
): Promise<Database> {
  if (settings.driver === 'sqlite') return openSqlite({ path: settings.path, mustExist, clock });
  const { openPostgres } = await import('./postgres/open.ts');
  return openPostgres({
    url: settings.url.reveal(),
    clock,
    poolSize: settings.pool_size,
    ...(settings.tls === undefined ? {} : { tls: settings.tls }),
    ...caCertificates(settings.ca_file),
  });
}

/** What an operator calls it: never with a password. */
export function storageName(settings: StorageSettings): string {
  return settings.driver === 'sqlite' ? settings.path : 'the PostgreSQL database';
}

/** The shared state, by the driver that is configured. Throws as `openDatabase` does. */
export async function openCache(settings: CacheSettings, clock: Clock): Promise<Cache> {
  if (settings.driver === 'memory') return new MemoryCache({ clock });
  const { openRedisCache } = await import('./redis/open.ts');
  return openRedisCache({
    url: settings.url.reveal(),
    clock,
    topology: topologyOf(settings),
    prefix: settings.prefix,
    timeoutMs: settings.timeout_ms,
    ...caCertificates(settings.ca_file),
  });
}

function topologyOf(settings: Extract<CacheSettings, { driver: 'redis' }>): RedisTopology {
  const { topology, sentinel_group: name = '', sentinel_password: password } = settings;
  if (topology !== 'sentinel') return { kind: topology };
  return { kind: 'sentinel', name, ...(password === undefined ? {} : { password: password.reveal() }) };
}

function caCertificates(file: string | undefined): { caCertificates?: string } {
  if (file === undefined) return {};
  try {
    return { caCertificates: readFileSync(file, 'utf8') };
  } catch (cause) {
    throw new CountersignError('config_invalid', `The file ${file} cannot be read.`, { cause });
  }
}
