import type { Transaction } from '../storage/database.ts';
import type { Reader } from './handle.ts';

/** The person known upstream as (connection, subject), or `undefined`. */
export async function findLinkedPerson(
  reader: Reader,
  connectionId: string,
  subject: string,
): Promise<string | undefined> {
  const row = await reader
    .selectFrom('upstream_identities')
    .select('sub')
    .where('connection_id', '=', connectionId)
    .where('subject', '=', subject)
    .executeTakeFirst();
  return row?.sub;
}

/** Whether anybody is known through this connection. */
export async function hasPeople(reader: Reader, connectionId: string): Promise<boolean> {
  const row = await reader
    .selectFrom('upstream_identities')
    .select('sub')
    .where('connection_id', '=', connectionId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether a person is known through this connection, under whatever subject. */
export async function isLinkedThrough(reader: Reader, connectionId: string, sub: string): Promise<boolean> {
  const row = await reader
    .selectFrom('upstream_identities')
    .select('sub')
    .where('connection_id', '=', connectionId)
    .where('sub', '=', sub)
    .executeTakeFirst();
  return row !== undefined;
}

export async function linkPerson(
  transaction: Transaction,
  link: { connectionId: string; subject: string; sub: string; now: number },
): Promise<void> {
  await transaction
    .insertInto('upstream_identities')
    .values({
      connection_id: link.connectionId,
      subject: link.subject,
      sub: link.sub,
      linked: link.now,
      last_sign_in: link.now,
    })
    .execute();
}

export async function noteSignIn(
  transaction: Transaction,
  connectionId: string,
  subject: string,
  now: number,
): Promise<void> {
  await transaction
    .updateTable('upstream_identities')
    .set({ last_sign_in: now })
    .where('connection_id', '=', connectionId)
    .where('subject', '=', subject)
    .execute();
}

/** Takes an erased person's links away: whoever signs in upstream again is a new person. */
export async function unlinkPerson(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('upstream_identities').where('sub', '=', sub).execute();
}
