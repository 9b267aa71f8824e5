import type { Transaction } from '../storage/database.ts';
import type { AddressesTable } from '../storage/tables/directory.ts';
import type { Reader } from './handle.ts';

export type HeldAddress = Readonly<AddressesTable>;

/** Who holds this address now, or `undefined`. */
export async function findAddress(reader: Reader, address: string): Promise<HeldAddress | undefined> {
  return reader.selectFrom('addresses').selectAll().where('address', '=', address).executeTakeFirst();
}

/** The addresses of a person, the primary one first. */
export async function addressesOf(reader: Reader, sub: string): Promise<HeldAddress[]> {
  return reader
    .selectFrom('addresses')
    .selectAll()
    .where('sub', '=', sub)
    .orderBy('is_primary', 'desc')
    .orderBy('address')
    .execute();
}

/** Gives an address that nobody holds to a person. A unique violation means that somebody does. */
export async function assignAddress(
  transaction: Transaction,
  holding: {
    address: string;
    domain: string;
    sub: string;
    connectionId: string;
    primary: boolean;
    now: number;
  },
): Promise<void> {
  await transaction
    .insertInto('addresses')
    .values({
      address: holding.address,
      domain: holding.domain,
      sub: holding.sub,
      connection_id: holding.connectionId,
      is_primary: holding.primary ? 1 : 0,
      since: holding.now,
      last_asserted: holding.now,
    })
    .execute();
}

/** Notes that the IdP asserted this address again: an address is a dated attribute. */
export async function noteAsserted(transaction: Transaction, address: string, now: number): Promise<void> {
  await transaction
    .updateTable('addresses')
    .set({ last_asserted: now })
    .where('address', '=', address)
    .execute();
}

/** How many addresses people hold on a domain. */
export async function countHeldAddresses(reader: Reader, domain: string): Promise<number> {
  const { held } = await reader
    .selectFrom('addresses')
    .select(({ fn }) => fn.countAll().as('held'))
    .where('domain', '=', domain)
    .executeTakeFirstOrThrow();
  return Number(held);
}

/** Frees one address, whoever holds it. */
export async function releaseAddress(transaction: Transaction, address: string): Promise<void> {
  await transaction.deleteFrom('addresses').where('address', '=', address).execute();
}

/** Frees every address of a closed person. Their statements stay, and version counters always do. */
export async function releaseAddresses(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('addresses').where('sub', '=', sub).execute();
}
