import type { Assurance } from '../../protocol/claims.ts';
import type { PersonsTable } from '../storage/tables/directory.ts';
import type { Reader } from './handle.ts';

/** An active person with what policies may ask about them. */
export interface Inhabitant {
  readonly sub: string;
  readonly name: string | null;
  readonly assurance: Assurance;
  /** Whether they have been enrolled. */
  readonly enrolled: boolean;
  /** The primary one first. */
  readonly addresses: readonly {
    readonly address: string;
    readonly domain: string;
    readonly connection: string;
  }[];
  readonly devices: number;
}

/** One page of the active people in the order of their ids, from the one after `after`; empty at the end. */
export async function listInhabitants(
  reader: Reader,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<Inhabitant[]> {
  const page = activePeople(reader).where('sub', '>', after).orderBy('sub').limit(limit);
  return withHoldings(reader, await page.execute());
}

/** Those of these people who are active. */
export async function findInhabitants(reader: Reader, subs: readonly string[]): Promise<Inhabitant[]> {
  if (subs.length === 0) return [];
  return withHoldings(reader, await activePeople(reader).where('sub', 'in', subs).execute());
}

function activePeople(reader: Reader) {
  return reader
    .selectFrom('persons')
    .select(['sub', 'name', 'assurance', 'key_version'])
    .where('status', '=', 'active');
}

async function withHoldings(
  reader: Reader,
  persons: readonly Pick<PersonsTable, 'sub' | 'name' | 'assurance' | 'key_version'>[],
): Promise<Inhabitant[]> {
  const subs = persons.map(({ sub }) => sub);
  if (subs.length === 0) return [];
  const addresses = await reader
    .selectFrom('addresses')
    .select(['sub', 'address', 'domain', 'connection_id'])
    .where('sub', 'in', subs)
    .orderBy('is_primary', 'desc')
    .orderBy('address')
    .execute();
  const devices = await reader
    .selectFrom('devices')
    .select(({ fn }) => ['sub', fn.countAll().as('count')])
    .where('sub', 'in', subs)
    .groupBy('sub')
    .execute();
  const held = new Map(subs.map((sub): [string, typeof addresses] => [sub, []]));
  for (const each of addresses) held.get(each.sub)?.push(each);
  const counts = new Map(devices.map(({ sub, count }) => [sub, Number(count)]));
  return persons.map(({ sub, name, assurance, key_version }) => ({
    ...{ sub, name, assurance, enrolled: key_version !== null, devices: counts.get(sub) ?? 0 },
    addresses: (held.get(sub) ?? []).map(({ address, domain, connection_id: connection }) => ({
      ...{ address, domain, connection },
    })),
  }));
}

/** A kind of colleague: how strongly they are known, through which connection, and in which domain. */
export interface KindOfPeople {
  readonly assurance: Assurance;
  readonly connection: string;
  readonly domain: string;
}

/** The kinds that there are among the active people. */
export async function kindsOfPeople(reader: Reader): Promise<KindOfPeople[]> {
  const rows = await reader
    .selectFrom('persons')
    .innerJoin('addresses', 'addresses.sub', 'persons.sub')
    .select(['persons.assurance', 'addresses.connection_id', 'addresses.domain'])
    .distinct()
    .where('persons.status', '=', 'active')
    .orderBy('persons.assurance')
    .orderBy('addresses.connection_id')
    .orderBy('addresses.domain')
    .execute();
  return rows.map(({ assurance, connection_id: connection, domain }) => ({ assurance, connection, domain }));
}
