import { isIP } from 'node:net';
import { CountersignError } from '../../../protocol/errors.ts';

/** Where the database is, and who we are there. */
export interface PostgresTarget {
  /** Tried in turn until one takes writes: a primary and those that may be promoted. A path is a socket's folder. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Where our tables are, if not where the role's search path leads. Made by `migrate` if it is missing. */
  readonly schema?: string;
}

const URL_FORM =
  /^postgres(?:ql)?:\/\/([^:@/]+)(?::([^@/]*))?@([^@/?#]+)\/([^/?#]+)(?:\?schema=([a-z_][a-z0-9_]*))?$/;

/**
 * `postgresql://user:password@host:5432[,host2:5433]/database[?schema=name]`, parts percent-encoded; a host that
 * begins with %2F is the folder of a Unix socket. Other parameters are refused: what they would set, the bridge sets.
 *
 * @throws `config_invalid`, without a word of the URL, which holds a password
 */
export function parsePostgresUrl(url: string): PostgresTarget {
  const [, user, password = '', hosts, database, schema] = URL_FORM.exec(url.trim()) ?? [];
  if (user === undefined || hosts === undefined || database === undefined) throw notOurs();
  try {
    return {
      hosts: hosts.split(',').map(parseHost),
      user: decodeURIComponent(user),
      password: decodeURIComponent(password),
      database: decodeURIComponent(database),
      ...(schema === undefined ? {} : { schema }),
    };
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw notOurs();
  }
}

function parseHost(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits = '5432'] =
    /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? (plain === undefined ? undefined : decodeURIComponent(plain));
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) throw notOurs();
  return { host, port };
}

function notOurs(): CountersignError {
  return new CountersignError(
    'config_invalid',
    'The URL of the database must be of the form postgresql://user:password@host:5432/database, ' +
      'with ?schema=name as its only possible parameter.',
  );
}

/** Whether packets to `host` stay on this machine. */
export function isLocal(host: string): boolean {
  return (
    host.startsWith('/') ||
    host === 'localhost' ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  );
}
