import { CountersignError } from '../../protocol/errors.ts';
import { deleteAllDeviceRequestsOf } from '../binding/device-request-store.ts';
import { deleteDeviceSignIn } from '../binding/device-sign-ins.ts';
import { deleteEnrolmentsOf } from '../binding/enrolment-store.ts';
import { deleteKeptEscrows } from '../binding/kept-escrow-store.ts';
import { deleteRecoveriesOf } from '../binding/recovery-store.ts';
import { deleteRotationsOf } from '../binding/rotation-store.ts';
import { releaseAddresses } from '../directory/addresses.ts';
import { deleteDevicesOf } from '../directory/devices.ts';
import type { Reader } from '../directory/handle.ts';
import { deletePersonKeys } from '../directory/person-keys.ts';
import { deletePerson, findPerson } from '../directory/persons.ts';
import { eraseStatements, versionsOf } from '../directory/statements.ts';
import { unlinkPerson } from '../directory/upstream-identities.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { eraseFromGroups } from '../groups/group-erasure.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { deleteServiceOf } from '../oauth/service-store.ts';
import { deleteDecisionsOf } from '../policy/decisions/decision-store.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';

/** What of the key log was forgotten with a person: how many versions of which addresses. */
export interface Erasure {
  readonly sub: string;
  readonly addresses: readonly { readonly address: string; readonly versions: number }[];
}

/**
 * Throws `person_unknown` (of whoever is erased already, too), `person_active`, `person_in_groups` (other admins must
 * act first), `unavailable` while the log is.
 */
export type ErasePerson = (
  sub: string,
  reason: string | undefined,
  context: RequestContext,
) => Promise<Erasure>;

export interface ErasureDeps {
  readonly database: Database;
  readonly signer: Pick<Signer, 'iss'>;
  readonly events: EventLog;
  readonly keyLog: Pick<KeyLog, 'published' | 'forget' | 'forgotten'>;
  readonly tokens: { revokePerson(tx: Transaction, sub: string): Promise<number> };
}

/**
 * Erases a closed person in one transaction: every record of theirs, and what opens their versions in the key log. What
 * stays is the log itself, which says nothing without that; the number and hash of the last version of each address, which
 * the next holder continues; and the events, which name the person by their id.
 */
export function createErasure(deps: ErasureDeps): ErasePerson {
  const { database, events, keyLog } = deps;

  /** The proofs of a version that is on its way into the log would come back behind the erasure. */
  async function revocationsLogged(sub: string): Promise<void> {
    const versions = await database.read(async (query) => {
      await requireClosed(query, sub);
      return versionsOf(query, sub);
    });
    for (const [address, numbers] of versions) {
      await keyLog.published('address', address, Math.max(...numbers));
    }
  }

  return async (sub, said, context) => {
    await revocationsLogged(sub);
    const addresses = await database.transaction(async (tx) => {
      await requireClosed(tx, sub);
      const versions = await versionsOf(tx, sub);
      for (const [address, numbers] of versions) {
        await eraseStatements(tx, { address, sub });
        await keyLog.forget(tx, 'address', address, numbers);
      }
      await deleteRecords(tx, sub, deps);
      for (const { key_version } of await deleteKeptEscrows(tx, { sub })) {
        const data = { key_version, reason: 'erased' };
        await events.append(tx, succeeded({ type: 'escrow.destroyed', subject: { sub }, data }, context));
      }
      await deleteDecisionsOf(tx, { sub, addresses: [...versions.keys()] });
      const erased = [...versions].map(([address, numbers]) => ({ address, versions: numbers.length }));
      await events.append(tx, erasedEvent({ sub, addresses: erased }, said, context));
      return erased;
    });
    for (const { address } of addresses) keyLog.forgotten('address', address);
    return { sub, addresses };
  };
}

async function requireClosed(reader: Reader, sub: string): Promise<void> {
  const person = await findPerson(reader, sub);
  if (person === undefined) throw new CountersignError('person_unknown');
  if (person.status !== 'closed') throw new CountersignError('person_active');
}

/** Closing deleted most of it; who was never enrolled, or is a service, has some of it all the same. */
async function deleteRecords(tx: Transaction, sub: string, { tokens, signer }: ErasureDeps): Promise<void> {
  await tokens.revokePerson(tx, sub);
  await deletePersonKeys(tx, sub);
  await deleteDevicesOf(tx, sub);
  await deleteDeviceSignIn(tx, sub);
  await deleteEnrolmentsOf(tx, sub);
  await deleteRotationsOf(tx, sub);
  await deleteAllDeviceRequestsOf(tx, sub);
  await deleteRecoveriesOf(tx, sub);
  await eraseFromGroups(tx, { iss: signer.iss, sub });
  await releaseAddresses(tx, sub);
  await unlinkPerson(tx, sub);
  await deleteServiceOf(tx, sub);
  await deletePerson(tx, sub);
}

function erasedEvent({ sub, addresses }: Erasure, said: string | undefined, context: RequestContext) {
  const versions = addresses.reduce((sum, address) => sum + address.versions, 0);
  const data = { versions, ...(said === undefined ? {} : { reason: said }) };
  return succeeded({ type: 'person.erased', subject: { sub }, data }, context);
}
