import { CountersignError } from '../../protocol/errors.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { type Device, findDevice } from '../directory/devices.ts';
import type { Reader } from '../directory/handle.ts';
import { findPersonKeys, type PersonKeys } from '../directory/person-keys.ts';
import { type Person, requireActivePerson } from '../directory/persons.ts';
import { activeStatementOf } from '../directory/statements.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import type { Query } from '../storage/database.ts';
import type { Holder } from './holder.ts';

/** What an endorsed device acts with: its person, their keys, and the statement that stands for them. */
export interface Access {
  readonly person: Person;
  readonly keys: PersonKeys;
  readonly device: Device;
  readonly statement: KeyStatement;
}

/** Throws `person_closed`, `device_not_endorsed`. */
export async function readAccess(reader: Reader, who: Holder): Promise<Access> {
  const person = await requireActivePerson(reader, who.sub);
  const keys = await findPersonKeys(reader, who.sub);
  const device = await findDevice(reader, who.deviceId);
  const active = await activeStatementOf(reader, who.sub);
  if (keys === undefined || active === undefined || device?.sub !== who.sub) {
    throw new CountersignError('device_not_endorsed');
  }
  const versions = new Set([keys.key_version, device.key_version, active.statement.key_version]);
  if (versions.size > 1) throw new CountersignError('device_not_endorsed', 'The keys were rotated since.');
  return { person, keys, device, statement: active.statement };
}

/** The same, once the statement is in force: grants are served to nobody before (PROTOCOL §8). Throws also `unavailable`. */
export async function readPublishedAccess(
  query: Query,
  keyLog: Pick<KeyLog, 'isPublished'>,
  who: Holder,
): Promise<Access> {
  const access = await readAccess(query, who);
  const { address, version } = access.statement;
  const isPublished = await keyLog.isPublished(query, 'address', address, version);
  if (!isPublished) throw new CountersignError('unavailable', 'The key is not published yet.');
  return access;
}

/**
 * Holds what was read again against what was read before: each restriction raises a generation or removes a row
 * (PROTOCOL §8). Throws `conflict`.
 */
export function assertUnchanged(before: Access, after: Access): void {
  const unchanged =
    before.person.generation === after.person.generation &&
    before.device.generation === after.device.generation &&
    before.device.added === after.device.added &&
    before.statement.version === after.statement.version;
  if (!unchanged) throw new CountersignError('conflict', 'Access was restricted meanwhile.');
}
