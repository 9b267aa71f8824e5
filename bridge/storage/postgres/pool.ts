import pg from 'pg';
import { fromPostgres } from './errors.ts';
import { assertSession, isStandby, type SessionSettings, sessionSettings } from './session.ts';
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
/** For a server or a network that says nothing more: longer than the server itself gives a statement. */
const ANSWER_MS = 15_000;
const IDLE_MS = 60_000;
/** Connections are renewed now and then: a load balancer's or a role's change takes hold. */
const LIFETIME_S = 30 * 60;

/** Lends connections for reading, or for transactions. */
export class ConnectionPool {
  readonly #pool: pg.Pool;

  constructor(options: ConnectionOptions, access: 'reads' | 'writes', size: number, hosts: HostChoice) {
    const asked = sessionSettings(access, options.target.schema);
    this.#pool = new pg.Pool({
      max: size,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: IDLE_MS,
      maxLifetimeSeconds: LIFETIME_S,
      Client: clientFor(options, access, hosts),
      onConnect: (client) => assertUsable(client, asked, hosts),
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
  readonly #tried = new WeakMap<pg.ClientBase, number>();

  constructor(count: number) {
    this.#count = count;
  }

  /** Notes which host a connection is to. */
  note(client: pg.ClientBase, host: number): void {
    this.#tried.set(client, host);
  }

  /** The host of this connection does not serve us. Of several that were tried at once, the first one moves on. */
  moveOn(client: pg.ClientBase): void {
    if (this.#tried.get(client) === this.current) this.current = (this.current + 1) % this.#count;
  }
}

function clientFor(options: ConnectionOptions, access: 'reads' | 'writes', hosts: HostChoice) {
  return class extends pg.Client {
    constructor() {
      const tried = hosts.current;
      super(clientConfig(options, access, tried));
      hosts.note(this, tried);
      let connected = false;
      this.once('connect', () => {
        connected = true;
      });
      this.once('end', () => {
        if (!connected) hosts.moveOn(this);
      });
    }
  };
}

async function assertUsable(client: pg.ClientBase, asked: SessionSettings, hosts: HostChoice): Promise<void> {
  try {
    await assertSession(client, asked, CONNECT_MS);
  } catch (error) {
    if (isStandby(error)) hosts.moveOn(client);
    throw error;
  }
}

export function clientConfig(
  options: ConnectionOptions,
  access: 'reads' | 'writes',
  index = 0,
  changes: SessionSettings = {},
): pg.ClientConfig {
  const { target } = options;
  const { host, port } = target.hosts[index] ?? { host: '', port: 0 };
  const session = { ...sessionSettings(access, target.schema), ...changes };
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
