import { parseAddress } from '../../protocol/address.ts';
import type { PersonMember } from '../../protocol/groups/membership.ts';
import { lookUp } from '../look-up.ts';
import type { ClientParts } from '../own-account.ts';
import { statementOf } from './acting.ts';

/**
 * Whom these addresses stand for, to shut them out. Who must go may have no key any more: then the pin says who it
 * was. Throws what a look-up answers of somebody who was never seen.
 */
export async function namedPeople(parts: ClientParts, addresses: readonly string[]): Promise<PersonMember[]> {
  const { addresses: pins } = await parts.context.pins.read();
  const people: PersonMember[] = [];
  for (const address of new Set(addresses.map((text) => parseAddress(text).address))) {
    const [unknown] = pins[address] === undefined ? await lookUp(parts, [address]) : [];
    const person = pins[address] ?? (unknown === undefined ? undefined : statementOf(unknown));
    if (person !== undefined) {
      people.push({ iss: person.iss, sub: person.sub, key_version: person.key_version });
    }
  }
  return people;
}
