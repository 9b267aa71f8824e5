import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../demo/stage/free-port.ts';
import {
  cannotStart,
  endServer,
  findBinary,
  type ServerFolder,
  serverFolder,
  untilReady,
  versionsIn,
} from './throwaway-server.ts';

/** A real PostgreSQL server in a folder of its own, on a free port of the loopback interface. */
export interface ThrowawayPostgres {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** `postgresql://…` for `openPostgres`, with a schema of that name if one is given. */
  url(schema?: string): string;
  /** Runs one statement as the superuser. */
  query(text: string): Promise<Record<string, unknown>[]>;
  /** Stops it, cleanly or as a power cut would, and starts it again on the same port with the same files. */
  restart(how?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** A copy of it that follows it by streaming replication, under this `application_name`, until it is promoted. */
  startStandby(name: string): Promise<ThrowawayPostgres>;
  /** At once, as a power cut would. */
  stop(): Promise<void>;
}

const USER = 'bridge';
const PASSWORD = 'throwaway';

/** English collation, as many servers have it: what the bridge compares must not depend on it. */
const INITDB = [
  ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C.UTF-8', '--no-sync'],
  ...['--locale-provider', 'icu', '--icu-locale', 'en-US'],
];

/**
 * Real durability (fsync) although it is thrown away: it is what the driver demands. `wal_sync_method` stays the
 * platform's. The wait for others in a group commit is off, as is by default.
 */
const SETTINGS = [
  "listen_addresses = '127.0.0.1'",
  'max_connections = 200',
  'shared_buffers = 64MB',
  'autovacuum_naptime = 10min',
  'log_min_messages = fatal',
];

const BINARY = findBinary(
  ['initdb'],
  versionsIn('/usr/lib/postgresql').map((folder) => join(folder, 'bin')),
);

/** Why PostgreSQL cannot be started here, or `undefined`. */
export const NO_POSTGRES =
  cannotStart() ??
  (BINARY === undefined ? 'PostgreSQL is not installed (apt-get install postgresql)' : undefined);

/**
 * @param settings - lines for postgresql.conf
 * @param files - by name; settings reach them as ../name
 */
export async function startPostgres(
  settings: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<ThrowawayPostgres> {
  return startServer(settings, files, (folder, data) => {
    const passwordFile = folder.write('password', PASSWORD);
    folder.run(binary('initdb'), ['-D', data, '-U', USER, '--pwfile', passwordFile, ...INITDB]);
  });
}

function binary(name: string): string {
  if (BINARY === undefined) throw new Error(NO_POSTGRES);
  return join(BINARY, '..', name);
}

/** @param prepare - makes the folder of data */
async function startServer(
  settings: readonly string[],
  files: Readonly<Record<string, string>>,
  prepare: (folder: ServerFolder, data: string) => void,
): Promise<ThrowawayPostgres> {
  const folder = serverFolder('postgres', 'postgres');
  const data = join(folder.path, 'data');
  const port = await freePort();
  for (const [name, content] of Object.entries(files)) folder.write(name, content);
  prepare(folder, data);
  let child: ChildProcess | undefined;
  const query = async (text: string) => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: USER,
      password: PASSWORD,
      database: 'postgres',
      ssl: false,
    });
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(text);
      return rows;
    } finally {
      await client.end();
    }
  };
  const start = async () => {
    const options = [...SETTINGS, `port = ${port}`, `unix_socket_directories = ''`, ...settings];
    const args = options.flatMap((line) => ['-c', line.replace(/ = '?(.*?)'?$/, '=$1')]);
    child = folder.start(binary('postgres'), ['-D', data, ...args], 'SIGINT');
    await untilReady(child, folder, async () => (await query('select 1')).length === 1);
  };
  const end = async (how: 'SIGINT' | 'SIGQUIT') => {
    if (child !== undefined) await endServer(child, how);
  };
  try {
    await start();
  } catch (error) {
    folder.remove();
    throw error;
  }
  return {
    port,
    user: USER,
    password: PASSWORD,
    url: (schema) =>
      `postgresql://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres${schema === undefined ? '' : `?schema=${schema}`}`,
    query,
    async restart(how = 'SIGINT') {
      await end(how);
      await start();
    },
    startStandby: (name) =>
      startServer(settings, files, (standby, copy) => {
        const primary = `host=127.0.0.1 port=${port} user=${USER} password=${PASSWORD} application_name=${name}`;
        const asStandby = ['--write-recovery-conf', '--checkpoint=fast', '--no-sync'];
        standby.run(binary('pg_basebackup'), ['-D', copy, '-d', primary, ...asStandby]);
      }),
    async stop() {
      await end('SIGQUIT');
      folder.remove();
    },
  };
}
