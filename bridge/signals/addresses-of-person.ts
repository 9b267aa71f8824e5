import { addressesOf, findAddress } from '../directory/addresses.ts';
import { versionsOf } from '../directory/statements.ts';
import type { Transaction } from '../storage/database.ts';

/**
 * The addresses that a change of a person is about: those that they hold, or had a key under and nobody else holds now.
 * Whoever was closed holds none any more; their statements say which it was.
 */
export async function addressesOfPerson(tx: Transaction, sub: string): Promise<string[]> {
  const held = (await addressesOf(tx, sub)).map(({ address }) => address);
  const addresses = new Set(held);
  for (const address of (await versionsOf(tx, sub)).keys()) {
    if ((await findAddress(tx, address)) === undefined) addresses.add(address);
  }
  return [...addresses];
}
