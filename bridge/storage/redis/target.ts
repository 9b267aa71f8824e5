import { CountersignError } from '../../../protocol/errors.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Where Redis or Valkey is, and who we are there. */
export interface RedisTarget {
  /** One server, or several Sentinels or Cluster nodes to begin with. */
  readonly addresses: readonly RedisAddress[];
  /** Of the ACL; without it, the default user. */
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  readonly tls: boolean;
}

const URL_FORM = /^redis(s)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?#]+)(?:\/(\d{1,4})?)?$/;
const ADDRESS_FORM = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i;

/**
 * `redis[s]://[user[:password]@]host:6379[,host2:6380][/db]`, user and password percent-encoded; `rediss` is TLS.
 *
 * @param port - where an address names none
 * @throws `config_invalid`, without a word of the URL, which holds a password
 */
export function parseRedisUrl(url: string, port = 6379): RedisTarget {
  const [matched, tls, username, password, addresses = '', db = '0'] = URL_FORM.exec(url.trim()) ?? [];
  if (matched === undefined) throw notOurs();
  try {
    return {
      addresses: addresses.split(',').map((text) => parseAddress(text, port)),
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
      db: Number(db),
      tls: tls !== undefined,
    };
  } catch {
    throw notOurs();
  }
}

function parseAddress(text: string, defaultPort: number): RedisAddress {
  const [, bracketed, plain, digits] = ADDRESS_FORM.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) throw notOurs();
  return { host, port };
}

function notOurs(): CountersignError {
  return new CountersignError(
    'config_invalid',
    'The URL of the cache must be of the form redis://user:password@host:6379/0, or rediss:// for TLS.',
  );
}
