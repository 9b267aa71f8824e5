import type { Address } from '../../protocol/address.ts';
import type { Assurance } from '../../protocol/claims.ts';
import { CountersignError } from '../../protocol/errors.ts';
import {
  addressesOf,
  assignAddress,
  findAddress,
  noteAsserted,
  releaseAddress,
} from '../directory/addresses.ts';
import { findPerson, insertPerson, requireActivePerson, setPersonName } from '../directory/persons.ts';
import { findLinkedPerson, linkPerson, noteSignIn } from '../directory/upstream-identities.ts';
import type { Change } from '../events/succeeded.ts';
import { newId } from '../lib/ids.ts';
import { PERSON_NAME_LENGTH } from '../lib/limits.ts';
import type { Transaction } from '../storage/database.ts';

/** A verified identity, with the addresses that count. */
export interface Linking {
  readonly connectionId: string;
  readonly subject: string;
  readonly assurance: Assurance;
  readonly name: string | null;
  readonly addresses: readonly Address[];
  /** Where none counts: why, for administrators. */
  readonly whyNone: string;
  readonly now: number;
}

type Report = (change: Change) => Promise<void>;

/**
 * The person behind (connection, subject), a new one the first time, with the asserted addresses.
 *
 * The link of a closed person stays and refuses: whoever left does not come back as somebody new by signing in once
 * more, an administrator decides that. An address of another active person is never taken over.
 *
 * @throws no_address, address_taken, person_closed
 */
export async function resolvePerson(tx: Transaction, linking: Linking, report: Report): Promise<string> {
  const { connectionId, subject, now } = linking;
  const known = await findLinkedPerson(tx, connectionId, subject);
  if (known !== undefined) {
    const person = await requireActivePerson(tx, known);
    if (linking.addresses.length === 0) throw new CountersignError('no_address', linking.whyNone);
    const name = displayName(linking.name);
    if (name !== null && name !== person.name) await setPersonName(tx, known, name);
    await noteSignIn(tx, connectionId, subject, now);
    await holdAddresses(tx, known, linking, report);
    return known;
  }
  if (linking.addresses.length === 0) throw new CountersignError('no_address', linking.whyNone);
  const sub = newId();
  const { assurance } = linking;
  await insertPerson(tx, { sub, name: displayName(linking.name), assurance, created: now });
  await linkPerson(tx, { connectionId, subject, sub, now });
  await report({ type: 'person.created', subject: { sub, connection: connectionId }, data: {} });
  await holdAddresses(tx, sub, linking, report);
  return sub;
}

async function holdAddresses(tx: Transaction, sub: string, linking: Linking, report: Report): Promise<void> {
  const { connectionId, now } = linking;
  let primary = (await addressesOf(tx, sub)).length === 0;
  for (const { address, domain } of linking.addresses) {
    const held = await findAddress(tx, address);
    if (held?.sub === sub) {
      await noteAsserted(tx, address, now);
      continue;
    }
    const previous = held === undefined ? undefined : await freeFromClosed(tx, address, held.sub);
    await assignAddress(tx, { address, domain, sub, connectionId, primary, now });
    primary = false;
    await report({
      type: 'address.assigned',
      subject: { sub, address, connection: connectionId },
      data: previous === undefined ? {} : { previous_sub: previous },
    });
  }
}

/** Closing frees addresses; one that is still held by a closed person is free as well. */
async function freeFromClosed(tx: Transaction, address: string, holder: string): Promise<string> {
  const person = await findPerson(tx, holder);
  if (person?.status !== 'closed') throw new CountersignError('address_taken');
  await releaseAddress(tx, address);
  return holder;
}

/** The IdP's word for somebody, as it may be shown: bounded, without control and direction characters. */
function displayName(name: string | null): string | null {
  const shown = (name ?? '')
    .toWellFormed()
    .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, ' ')
    .trim()
    .slice(0, PERSON_NAME_LENGTH)
    .toWellFormed();
  return shown === '' ? null : shown;
}
