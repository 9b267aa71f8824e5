import pg from 'pg';
import { CountersignError } from '../../../protocol/errors.ts';
import { ConnectionLost, fromPostgres } from './errors.ts';
import { isLocal, type PostgresTarget } from './target.ts';
import { COLUMN_TYPES } from './values.ts';

export interface ConnectionOptions {
  readonly target: PostgresTarget;
  /** PEM; in place of the authorities that Node trusts. */
  readonly caCertificates?: string;
  /** `off` only where the network is trusted. Default: `verify`, except to this machine. */
  readonly tls?: 'verify' | 'off';
}

/** A handshake, or the wait for a connection that others use. */
const CONNECT_MS = 5_000;
/** The server gives a statement up: ours take milliseconds. */
const STATEMENT_MS = 10_000;
/** The same on our side, for a server or a network that says nothing more. */
const ANSWER_MS = 15_000;
/** A row that another transaction holds: ours hold rows for milliseconds. */
const LOCK_MS = 5_000;
/** The server ends the transaction of a process that hangs, so that others do not wait for it. */
const IDLE_IN_TRANSACTION_MS = 30_000;
const IDLE_MS = 60_000;
/** Connections are renewed now and then: a load balancer's or a role's change takes hold. */
const LIFETIME_S = 30 * 60;

/** Lends connections for reading, or for transactions. */
export class ConnectionPool {
  readonly #pool: pg.Pool;

  constructor(options: ConnectionOptions, access: 'reads' | 'writes', size: number, hosts: HostChoice) {
    this.#pool = new pg.Pool({
      max: size,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: IDLE_MS,
      maxLifetimeSeconds: LIFETIME_S,
      Client: clientFor(options, access, hosts),
      onConnect: (client) => assertSettings(client, hosts),
    });
    // The pool has dropped it already, and connects anew when it is asked; a lent one fails at its next statement.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** @throws `unavailable`, `storage_busy`, `state_refused` */
  async lend(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw fromPostgres(error);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** Which of the hosts is tried next: the last that worked, until it does not. */
export class HostChoice {
  current = 0;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  moveOn(from: number): void {
    if (this.current === from) this.current = (from + 1) % this.#count;
  }
}

function clientFor(options: ConnectionOptions, access: 'reads' | 'writes', hosts: HostChoice) {
  return class extends pg.Client {
    constructor() {
      const tried = hosts.current;
      super(clientConfig(options, access, tried));
      let connected = false;
      this.once('connect', () => {
        connected = true;
      });
      this.once('end', () => {
        if (!connected) hosts.moveOn(tried);
      });
    }
  };
}

export function clientConfig(
  options: ConnectionOptions,
  access: 'reads' | 'writes',
  index = 0,
): pg.ClientConfig {
  const { target } = options;
  const { host, port } = target.hosts[index] ?? { host: '', port: 0 };
  const session: Record<string, string> = {
    default_transaction_read_only: access === 'reads' ? 'on' : 'off',
    bytea_output: 'hex',
    jit: 'off',
    ...(target.schema === undefined ? {} : { search_path: target.schema }),
  };
  return {
    host,
    port,
    user: target.user,
    password: target.password,
    database: target.database,
    application_name: 'countersign',
    options: Object.entries(session)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    client_encoding: 'UTF8',
    types: COLUMN_TYPES,
    // a transaction's statements are sent one behind the other, without waiting for answers that they do not need
    pipeline: access === 'writes',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    ssl: tlsOptions(options, host),
  };
}

function tlsOptions({ tls, caCertificates }: ConnectionOptions, host: string): pg.ClientConfig['ssl'] {
  if (tls === 'off' || (tls === undefined && isLocal(host))) return false;
  return {
    // the name that the certificate must carry; pg itself says it only for names, not for addresses
    host,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(caCertificates === undefined ? {} : { ca: caCertificates }),
  };
}

const SETTINGS = `
  select current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync,
    current_setting('full_page_writes') as full_page_writes, current_setting('server_encoding') as server_encoding,
    pg_is_in_recovery() as in_recovery, current_setting('server_version_num')::int as version`;

/** What makes a commit durable there. `remote_apply` waits for a standby beyond what `on` does. */
const WANTED: Record<string, readonly string[]> = {
  synchronous_commit: ['on', 'remote_apply'],
  fsync: ['on'],
  full_page_writes: ['on'],
  server_encoding: ['UTF8'],
};

const OLDEST_VERSION = 130_000;

/** Each new connection: roles and servers can be changed while we run, and the host may be a standby. */
async function assertSettings(client: pg.ClientBase, hosts: HostChoice): Promise<void> {
  const { rows } = await client.query<Record<string, unknown>>(SETTINGS);
  const settings = rows[0] ?? {};
  if (settings.in_recovery !== 0) {
    hosts.moveOn(hosts.current);
    const cause = new ConnectionLost(true, { cause: new Error('the server is a standby') });
    throw new CountersignError('unavailable', 'The database takes no writes.', { cause });
  }
  for (const [name, values] of Object.entries(WANTED)) {
    if (!values.includes(String(settings[name]))) {
      throw new CountersignError(
        'state_refused',
        `PostgreSQL runs with ${name} = ${settings[name]}; it must be ${values[0]}, so that nothing that was ` +
          'acknowledged is lost.',
      );
    }
  }
  if (Number(settings.version) < OLDEST_VERSION) {
    throw new CountersignError('state_refused', 'PostgreSQL must be version 13 or newer.');
  }
}
