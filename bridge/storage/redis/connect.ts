import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { fromFirstConnection } from './errors.ts';
import type { RedisTarget } from './target.ts';

/** How the servers behind the cache are arranged. */
export type RedisTopology =
  | { readonly kind: 'single' }
  /** The addresses are Sentinels; `name` is the group that they watch. */
  | { readonly kind: 'sentinel'; readonly name: string; readonly password?: string }
  /** The addresses are some nodes of a Cluster. */
  | { readonly kind: 'cluster' };

export interface RedisConnectionOptions {
  readonly target: RedisTarget;
  readonly topology: RedisTopology;
  /** PEM; in place of the authorities that Node trusts. */
  readonly caCertificates?: string;
  /** The longest wait for an answer. */
  readonly timeoutMs: number;
}

export type RedisClient = Redis | Cluster;

const CONNECT_MS = 5_000;
const LONGEST_PAUSE_MS = 2_000;

/**
 * How often the nodes of a Cluster are asked which there are. ioredis by itself asks only where a command fails: a
 * connection that is idle while all the nodes that it knows are replaced would never find their successors.
 */
const REFRESH_MS = 5_000;

/** Tries to connect again for as long as the bridge runs, at most this far apart. */
const pauseBefore = (tries: number) => Math.min(50 * tries, LONGEST_PAUSE_MS);

/**
 * Connects. While the connection is away every command fails at once, and none is ever sent twice: whether the first
 * was carried out is not known, and the caller refuses in either case.
 *
 * @throws `unavailable`, `config_invalid`
 */
export async function connect(options: RedisConnectionOptions): Promise<RedisClient> {
  const client = createClient(options);
  let last: unknown;
  client.on('error', (error) => {
    last = error;
  });
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(last ?? new Error('no connection in time')), CONNECT_MS);
  });
  try {
    await Promise.race([client.connect(), tooLate]);
    client.on('end', () => connectAnew(client));
    return client;
  } catch (error) {
    disconnect(client);
    throw fromFirstConnection(last ?? error);
  } finally {
    clearTimeout(timer);
  }
}

const closed = new WeakSet<RedisClient>();

/** Ends the connection for good. */
export function disconnect(client: RedisClient): void {
  closed.add(client);
  client.disconnect();
}

/** ioredis gives up by itself where a primary changes while it asks the Sentinels for it. */
function connectAnew(client: RedisClient): void {
  setTimeout(() => {
    // a failure ends in another 'end'
    if (!closed.has(client)) client.connect().catch(() => undefined);
  }, pauseBefore(1));
}

function createClient(options: RedisConnectionOptions): RedisClient {
  const { target, topology } = options;
  const [first] = target.addresses;
  switch (topology.kind) {
    case 'single':
      return new Redis({ ...commonOptions(options), ...retrying, ...first, db: target.db });
    case 'sentinel':
      return new Redis({
        ...commonOptions(options),
        ...retrying,
        db: target.db,
        sentinels: [...target.addresses],
        name: topology.name,
        ...(topology.password === undefined ? {} : { sentinelPassword: topology.password }),
        ...(target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(options) } : {}),
        sentinelCommandTimeout: options.timeoutMs,
        sentinelRetryStrategy: pauseBefore,
      });
    case 'cluster':
      return new Cluster([...target.addresses], {
        redisOptions: commonOptions(options),
        enableOfflineQueue: false,
        lazyConnect: true,
        clusterRetryStrategy: pauseBefore,
        slotsRefreshTimeout: options.timeoutMs,
        slotsRefreshInterval: REFRESH_MS,
        // certificates are issued to names, so names are what is connected to
        ...(target.tls ? { dnsLookup: (address, done) => done(null, address) } : {}),
      });
  }
}

const retrying = { retryStrategy: pauseBefore, enableOfflineQueue: false } satisfies RedisOptions;

function commonOptions(options: RedisConnectionOptions) {
  const { target } = options;
  return {
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.tls ? { tls: tlsOptions(options) } : {}),
    connectTimeout: CONNECT_MS,
    commandTimeout: options.timeoutMs,
    connectionName: 'countersign',
    disableClientInfo: true,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // a primary that became a replica: connect anew, to its successor
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } satisfies RedisOptions;
}

function tlsOptions({ caCertificates }: RedisConnectionOptions) {
  return {
    minVersion: 'TLSv1.2' as const,
    rejectUnauthorized: true,
    ...(caCertificates === undefined ? {} : { ca: caCertificates }),
  };
}
