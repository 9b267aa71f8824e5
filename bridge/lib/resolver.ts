import { Resolver as DnsClient, lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { CountersignError } from '../../protocol/errors.ts';
import { DNS_TOTAL_TIMEOUT_MS, DNS_TRIES, DNS_TRY_TIMEOUT_MS } from './limits.ts';

/**
 * Names to addresses and TXT records. Both methods throw `name_not_found` when the name (or that kind of record)
 * does not exist, and `name_unresolvable` when nobody could say. What they return is chosen by whoever runs the
 * zone: callers check it.
 */
export interface Resolver {
  /** The IPv4 and IPv6 addresses of `host`; a literal address is its own answer. Never empty. */
  lookup(host: string): Promise<readonly string[]>;
  /** The TXT records of `name`, each with its strings joined. Never empty. */
  txt(name: string): Promise<readonly string[]>;
}

/**
 * A resolver on the machine's settings, or on `servers` (`ip` or `ip:port`) alone. Without `servers`, addresses are
 * looked up as every program on the machine does it, so /etc/hosts counts; TXT records always come from DNS.
 * Each question is bounded in tries and in time.
 */
export function createDnsResolver(options: { servers?: readonly string[] } = {}): Resolver {
  const client = new DnsClient({ timeout: DNS_TRY_TIMEOUT_MS, tries: DNS_TRIES });
  if (options.servers !== undefined) client.setServers(options.servers);
  const addressesOf =
    options.servers === undefined
      ? async (host: string) => (await systemLookup(host, { all: true })).map((entry) => entry.address)
      : (host: string) => addressesFromDns(client, host);

  return {
    async lookup(host) {
      if (isIP(host) !== 0) return [host];
      return answerOf(host, addressesOf(host));
    },
    async txt(name) {
      return answerOf(
        name,
        client.resolveTxt(name).then((records) => records.map((strings) => strings.join(''))),
      );
    },
  };
}

async function addressesFromDns(client: DnsClient, host: string): Promise<string[]> {
  const [four, six] = await Promise.allSettled([client.resolve4(host), client.resolve6(host)]);
  const found = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return found;
  // 'No such record' from one family says nothing while the other could not be asked.
  const failures = [four, six].flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
  throw failures.find((failure) => !isAbsence(failure)) ?? failures[0];
}

async function answerOf(name: string, asked: Promise<string[]>): Promise<readonly string[]> {
  let answer: string[];
  try {
    answer = await withinTime(name, asked);
  } catch (cause) {
    if (isAbsence(cause)) throw notFound(name, cause);
    throw new CountersignError('name_unresolvable', `The name ${name} could not be looked up.`, { cause });
  }
  if (answer.length === 0) throw notFound(name);
  return answer;
}

async function withinTime<T>(name: string, asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${name} in time`)), DNS_TOTAL_TIMEOUT_MS);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

function isAbsence(failure: unknown): boolean {
  const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

function notFound(name: string, cause?: unknown): CountersignError {
  return new CountersignError('name_not_found', `The name ${name} has no such record in DNS.`, { cause });
}
