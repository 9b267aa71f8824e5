import { type KeyStatement, statementHash } from '../../protocol/key-statement.ts';
import type { Device } from '../directory/devices.ts';
import type { Person } from '../directory/persons.ts';
import type { Change } from '../events/succeeded.ts';

export function personEvent(
  { sub, key_version }: Person,
  { reason, said }: { reason: 'closed' | 'reset'; said: string | undefined },
): Change {
  const words = said === undefined ? {} : { reason: said };
  if (reason === 'closed') return { type: 'person.closed', subject: { sub }, data: words };
  const version = key_version === null ? {} : { key_version };
  return { type: 'person.reset', subject: { sub }, data: { ...version, ...words } };
}

export function revocationEvent(statement: KeyStatement): Change {
  const { sub, address, version, key_version, reason } = statement;
  const why = reason === undefined ? {} : { reason };
  return {
    type: 'statement.revoked',
    subject: { sub, address },
    data: { version, key_version, statement_hash: statementHash(statement), ...why },
  };
}

export function deviceEvent({ sub, device_id, label }: Device, reason: string): Change {
  return { type: 'device.removed', subject: { sub, device: device_id }, data: { label, reason } };
}

export function tokenEvent(subject: { sub: string; device?: string }, count: number, reason: string): Change {
  return { type: 'token.revoked', subject, data: { count, reason } };
}
