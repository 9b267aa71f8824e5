import type { Transaction } from '../storage/database.ts';
import type { DomainsTable } from '../storage/tables/directory.ts';
import type { Reader } from './handle.ts';

export type Domain = Readonly<DomainsTable>;

export async function findDomain(reader: Reader, domain: string): Promise<Domain | undefined> {
  return reader.selectFrom('domains').selectAll().where('domain', '=', domain).executeTakeFirst();
}

export async function listDomains(reader: Reader): Promise<Domain[]> {
  return reader.selectFrom('domains').selectAll().orderBy('domain').execute();
}

/** The domains that the organization has proven: the only ones it speaks for. */
export async function verifiedDomains(reader: Reader): Promise<string[]> {
  const rows = await reader
    .selectFrom('domains')
    .select('domain')
    .where('status', '=', 'verified')
    .orderBy('domain')
    .execute();
  return rows.map((row) => row.domain);
}

/** The verified domains that a connection may assert. */
export async function domainsOfConnection(reader: Reader, connectionId: string): Promise<string[]> {
  const rows = await reader
    .selectFrom('connection_domains')
    .innerJoin('domains', 'domains.domain', 'connection_domains.domain')
    .select('domains.domain')
    .where('connection_domains.connection_id', '=', connectionId)
    .where('domains.status', '=', 'verified')
    .orderBy('domains.domain')
    .execute();
  return rows.map((row) => row.domain);
}

/** The connections that may assert a domain, if it is verified. */
export async function connectionsOfDomain(reader: Reader, domain: string): Promise<string[]> {
  const rows = await reader
    .selectFrom('connection_domains')
    .innerJoin('domains', 'domains.domain', 'connection_domains.domain')
    .select('connection_domains.connection_id')
    .where('domains.domain', '=', domain)
    .where('domains.status', '=', 'verified')
    .orderBy('connection_domains.connection_id')
    .execute();
  return rows.map((row) => row.connection_id);
}

/** How many domains there are of each status. */
export async function countDomains(reader: Reader): Promise<Map<Domain['status'], number>> {
  const rows = await reader
    .selectFrom('domains')
    .select(['status', ({ fn }) => fn.countAll().as('count')])
    .groupBy('status')
    .execute();
  return new Map(rows.map(({ status, count }) => [status, Number(count)]));
}

/** Every domain that connections were given, verified or not, by connection. */
export async function domainsByConnection(reader: Reader): Promise<Map<string, string[]>> {
  const rows = await reader
    .selectFrom('connection_domains')
    .selectAll()
    .orderBy('connection_id')
    .orderBy('domain')
    .execute();
  const domains = new Map<string, string[]>();
  for (const { connection_id, domain } of rows) {
    domains.set(connection_id, [...(domains.get(connection_id) ?? []), domain]);
  }
  return domains;
}

export async function insertDomain(
  transaction: Transaction,
  domain: { domain: string; challenge: string; added: number },
): Promise<void> {
  await transaction
    .insertInto('domains')
    .values({ ...domain, status: 'pending', verified: null, checked: null, failures: 0 })
    .execute();
}

/** Notes the outcome of a check of the TXT record. */
export async function setDomainCheck(
  transaction: Transaction,
  domain: string,
  check: Pick<Domain, 'status' | 'verified' | 'checked' | 'failures'>,
): Promise<void> {
  await transaction.updateTable('domains').set(check).where('domain', '=', domain).execute();
}

/** Removes a domain and the right of every connection to assert it. */
export async function deleteDomain(transaction: Transaction, domain: string): Promise<void> {
  await transaction.deleteFrom('connection_domains').where('domain', '=', domain).execute();
  await transaction.deleteFrom('domains').where('domain', '=', domain).execute();
}

/** Sets which domains a connection may assert; each must be known. */
export async function setConnectionDomains(
  transaction: Transaction,
  connectionId: string,
  domains: readonly string[],
): Promise<void> {
  await transaction.deleteFrom('connection_domains').where('connection_id', '=', connectionId).execute();
  if (domains.length === 0) return;
  await transaction
    .insertInto('connection_domains')
    .values(domains.map((domain) => ({ connection_id: connectionId, domain })))
    .execute();
}
