import { CountersignError } from '../../protocol/errors.ts';
import { SIGNAL_EXCLUSIONS } from '../lib/limits.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { SimpleSubject } from './signal.ts';

/** The receiver does not want to hear of this subject. Throws `rate_limited` where it took out too many. */
export async function excludeSubject(tx: Transaction, stream: string, subject: SimpleSubject): Promise<void> {
  const { count } = await tx
    .selectFrom('signal_exclusions')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('stream', '=', stream)
    .executeTakeFirstOrThrow();
  if (Number(count) >= SIGNAL_EXCLUSIONS) {
    throw new CountersignError('rate_limited', 'Too many subjects were removed from this stream.');
  }
  await tx
    .insertInto('signal_exclusions')
    .values({ stream, subject: keyOf(subject) })
    .onConflict((conflict) => conflict.columns(['stream', 'subject']).doNothing())
    .execute();
}

/** The receiver wants to hear of it again. */
export async function includeSubject(tx: Transaction, stream: string, subject: SimpleSubject): Promise<void> {
  await tx
    .deleteFrom('signal_exclusions')
    .where('stream', '=', stream)
    .where('subject', '=', keyOf(subject))
    .execute();
}

/** Whether the receiver took out somebody who has these names. */
export async function isExcluded(
  reader: Query | Transaction,
  stream: string,
  names: readonly SimpleSubject[],
): Promise<boolean> {
  const row = await reader
    .selectFrom('signal_exclusions')
    .select('stream')
    .where('stream', '=', stream)
    .where('subject', 'in', names.map(keyOf))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** One text for one subject: no part can run into the next. */
function keyOf(subject: SimpleSubject): string {
  switch (subject.format) {
    case 'email':
      return JSON.stringify(['email', subject.email]);
    case 'iss_sub':
      return JSON.stringify(['iss_sub', subject.iss, subject.sub]);
    case 'opaque':
      return JSON.stringify(['opaque', subject.id]);
  }
}
