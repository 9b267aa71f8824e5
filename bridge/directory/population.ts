import type { Assurance } from '../../protocol/claims.ts';
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
  const persons = await reader
    .selectFrom('persons')
    .select(['sub', 'name', 'assurance', 'key_version'])
    .where('status', '=', 'active')
    .where('sub', '>', after)
    .orderBy('sub')
    .limit(limit)
    .execute();
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

/** How strongly whom the active people are known, and through which connections: the kinds of colleagues there are. */
export async function kindsOfPeople(
  reader: Reader,
): Promise<{ readonly assurance: Assurance; readonly connection: string }[]> {
  const rows = await reader
    .selectFrom('persons')
    .innerJoin('addresses', 'addresses.sub', 'persons.sub')
    .select(['persons.assurance', 'addresses.connection_id'])
    .distinct()
    .where('persons.status', '=', 'active')
    .orderBy('persons.assurance')
    .orderBy('addresses.connection_id')
    .execute();
  return rows.map(({ assurance, connection_id: connection }) => ({ assurance, connection }));
}
