import { type KeyStatement, statementHash } from '../../protocol/key-statement.ts';
import type { Device } from '../directory/devices.ts';
import type { Person } from '../directory/persons.ts';
import type { Change } from '../events/succeeded.ts';
import type { Receipt } from '../groups/receipts.ts';
import type { GroupWithdrawal } from '../groups/withdrawal.ts';

export function personEvent(
  { sub, key_version }: Person,
  done: { reason: 'closed' | 'reset'; said: string | undefined; receipt: Receipt | null },
): Change {
  const { reason, said } = done;
  const words = { ...(said === undefined ? {} : { reason: said }), ...receiptOf(done.receipt) };
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

export function deviceEvent(
  { sub, device_id, label }: Device,
  reason: string,
  receipt: Receipt | null = null,
): Change {
  const data = { label, reason, ...receiptOf(receipt) };
  return { type: 'device.removed', subject: { sub, device: device_id }, data };
}

/** One for each group that somebody was in, or could act for. */
export function groupEvents(
  { iss, sub }: { iss: string; sub: string },
  { memberships, administered }: GroupWithdrawal,
  reason: 'closed' | 'reset',
): Change[] {
  return [
    ...memberships.map(
      (group): Change => ({
        type: 'group.member_removed',
        subject: { sub, group },
        data: { kind: 'person', iss, member: sub, reason },
      }),
    ),
    ...administered.map(
      ({ group, admins }): Change => ({
        type: 'group.admin_lost',
        subject: { sub, group },
        data: { reason, admins_left: admins },
      }),
    ),
  ];
}

function receiptOf(receipt: Receipt | null): { receipt?: string } {
  return receipt === null ? {} : { receipt: receipt.jti };
}

export function tokenEvent(subject: { sub: string; device?: string }, count: number, reason: string): Change {
  return { type: 'token.revoked', subject, data: { count, reason } };
}
