import type pg from 'pg';
import { CountersignError } from '../../../protocol/errors.ts';
import { ConnectionLost } from './errors.ts';

/** The server gives a statement up: ours take milliseconds. */
const STATEMENT_MS = 10_000;
/** A row that another transaction holds: ours hold rows for milliseconds. */
const LOCK_MS = 5_000;
/** The server ends the transaction of a process that hangs, so that others do not wait for it. */
const IDLE_IN_TRANSACTION_MS = 30_000;

/** Settings of a connection by their names there, in the units of `pg_settings`: times in ms. */
export type SessionSettings = Readonly<Record<string, string>>;

/** What each of our connections asks for when it begins. */
export function sessionSettings(access: 'reads' | 'writes', schema: string | undefined): SessionSettings {
  return {
    ...(schema === undefined ? {} : { search_path: schema }),
    default_transaction_read_only: access === 'reads' ? 'on' : 'off',
    statement_timeout: String(STATEMENT_MS),
    lock_timeout: String(LOCK_MS),
    idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
    bytea_output: 'hex',
    jit: 'off',
  };
}

/** What makes a commit durable there. `remote_apply` waits for a standby beyond what `on` does. */
const DURABLE: Record<string, readonly string[]> = {
  synchronous_commit: ['on', 'remote_apply'],
  fsync: ['on'],
  full_page_writes: ['on'],
  server_encoding: ['UTF8'],
};

const OLDEST_VERSION = 130_000;

const SETTINGS = `
  select name, setting from pg_settings where name = any($1)
  union all select 'in_recovery', pg_is_in_recovery()::text`;

/**
 * Looks at a new connection before it is used: roles and servers can be changed while we run, and a pooler on the way
 * can leave out what we asked for.
 *
 * @param timeoutMs - the longest wait for the answer
 * @throws `unavailable` if the server is a standby (`isStandby`); `state_refused`
 */
export async function assertSession(
  client: pg.ClientBase,
  asked: SessionSettings,
  timeoutMs: number,
): Promise<void> {
  const names = ['server_version_num', ...Object.keys(DURABLE), ...Object.keys(asked)];
  const question = { text: SETTINGS, values: [names], query_timeout: timeoutMs };
  const { rows } = await client.query<{ name: string; setting: string }>(question);
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
  if (settings.get('in_recovery') !== 'false') throw standby();
  if (Number(settings.get('server_version_num')) < OLDEST_VERSION) {
    throw new CountersignError('state_refused', 'PostgreSQL must be version 13 or newer.');
  }
  for (const [name, values] of Object.entries(DURABLE)) {
    const setting = String(settings.get(name));
    if (!values.includes(setting)) throw notDurable(name, setting, values[0]);
  }
  for (const [name, wanted] of Object.entries(asked)) {
    const setting = String(settings.get(name));
    if (setting !== wanted) throw notCarried(name, setting, wanted);
  }
}

class Standby extends Error {
  override readonly name = 'Standby';
}

function standby(): CountersignError {
  const cause = new ConnectionLost(true, { cause: new Standby('the server is a standby') });
  return new CountersignError('unavailable', 'The database takes no writes.', { cause });
}

/** Whether the server of a connection takes no writes, so that another host may. */
export function isStandby(error: unknown): boolean {
  return (
    error instanceof CountersignError &&
    error.cause instanceof ConnectionLost &&
    error.cause.cause instanceof Standby
  );
}

function notDurable(name: string, setting: string, wanted: string | undefined): CountersignError {
  return new CountersignError(
    'state_refused',
    `PostgreSQL runs with ${name} = ${setting}; it must be ${wanted}, so that nothing that was acknowledged is lost.`,
  );
}

function notCarried(name: string, setting: string, wanted: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `The connection to PostgreSQL has ${name} = ${setting}, although the bridge asked for ${wanted}: a pooler on the ` +
      'way (pgbouncer) leaves it out. Connect to the server itself.',
  );
}
