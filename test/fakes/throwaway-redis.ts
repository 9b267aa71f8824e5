import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../demo/stage/free-port.ts';
import { cannotStart, endServer, findBinary, serverFolder, untilReady } from './throwaway-server.ts';

/** A real Redis or Valkey server, with nothing on disk, on a free port of the loopback interface. */
export interface ThrowawayRedis {
  readonly port: number;
  readonly password: string;
  readonly url: string;
  /** Runs one command as the default user. */
  command(name: string, ...args: string[]): Promise<unknown>;
  /** As `kill -9`: it forgets everything. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const PASSWORD = 'throwaway';
const BINARY = findBinary(['redis-server', 'valkey-server']);

/** Why Redis cannot be started here, or `undefined`. */
export const NO_REDIS =
  cannotStart() ??
  (BINARY === undefined ? 'Redis or Valkey is not installed (apt-get install redis-server)' : undefined);

export interface ThrowawayRedisOptions {
  /** Further lines of the configuration. */
  readonly settings?: readonly string[];
  /** Files for the server to read, by name; they are in its working directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** Further arguments, such as `--sentinel`. */
  readonly args?: readonly string[];
  /** Default: one that is free. */
  readonly port?: number;
}

export async function startRedis(options: ThrowawayRedisOptions = {}): Promise<ThrowawayRedis> {
  if (BINARY === undefined) throw new Error(NO_REDIS);
  const folder = serverFolder('redis', 'redis');
  const port = options.port ?? (await freePort());
  for (const [name, content] of Object.entries(options.files ?? {})) folder.write(name, content);
  const sentinel = options.args?.includes('--sentinel') === true;
  const settings = ['bind 127.0.0.1', `port ${port}`, `dir ${folder.path}`];
  if (!sentinel)
    settings.push(
      `requirepass ${PASSWORD}`,
      `masterauth ${PASSWORD}`,
      'save ""',
      'repl-diskless-sync-delay 0',
    );
  folder.write('redis.conf', [...settings, ...(options.settings ?? []), ''].join('\n'));

  const command = async (name: string, ...args: string[]) => {
    const client = new Redis({
      ...{ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 },
      ...(sentinel ? {} : { password: PASSWORD }),
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  };
  let child: ChildProcess | undefined;
  const start = async () => {
    child = folder.start(BINARY, [join(folder.path, 'redis.conf'), ...(options.args ?? [])], 'SIGKILL');
    await untilReady(child, folder, async () => (await command('ping')) === 'PONG');
  };
  const kill = async () => {
    if (child !== undefined) await endServer(child, 'SIGKILL');
  };
  await start();
  return {
    ...{ port, password: PASSWORD, url: `redis://:${PASSWORD}@127.0.0.1:${port}`, command, start, kill },
    async stop() {
      await kill();
      folder.remove();
    },
  };
}
