import { SIGNAL_CONTACT_LIFE_S, SIGNAL_CONTACT_RENEWAL_S } from '../lib/limits.ts';
import type { Query, Transaction } from '../storage/database.ts';
import { repeatedStatement } from '../storage/repeated-statement.ts';
import type { SignalContactsTable } from '../storage/tables/signals.ts';

type Reader = Query | Transaction;

/** Rows that one statement asks for. */
const CHUNK = 500;

/**
 * Notes that a partner knows of these addresses as of `now`, seconds: from here on it is told of them. Answers which of them are new to it. A note that is not a day old is left as it is.
 */
export async function noteContacts(
  tx: Transaction,
  partner: string,
  addresses: readonly string[],
  now: number,
): Promise<string[]> {
  const seen = await seenBy(tx, partner, addresses);
  const due = addresses.filter((address) => (seen.get(address) ?? 0) <= now - SIGNAL_CONTACT_RENEWAL_S);
  await putContacts(
    tx,
    due.map((address) => ({ address, partner, seen: now })),
  );
  const outdated = now - SIGNAL_CONTACT_LIFE_S;
  return due.filter((address) => (seen.get(address) ?? 0) <= outdated);
}

/** Which partners knew of this address in the last 30 days. */
export async function partnersWhoKnow(reader: Reader, address: string, now: number): Promise<string[]> {
  const rows = await reader
    .selectFrom('signal_contacts')
    .select('partner')
    .where('address', '=', address)
    .where('seen', '>', now - SIGNAL_CONTACT_LIFE_S)
    .orderBy('partner')
    .execute();
  return rows.map(({ partner }) => partner);
}

/** Forgets contacts of more than 30 days ago; answers how many. */
export async function purgeContacts(tx: Transaction, now: number): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('signal_contacts')
    .where('seen', '<=', now - SIGNAL_CONTACT_LIFE_S)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

async function seenBy(
  tx: Transaction,
  partner: string,
  addresses: readonly string[],
): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  for (let start = 0; start < addresses.length; start += CHUNK) {
    const rows = await tx
      .selectFrom('signal_contacts')
      .select(['address', 'seen'])
      .where('partner', '=', partner)
      .where('address', 'in', addresses.slice(start, start + CHUNK))
      .execute();
    for (const row of rows) seen.set(row.address, row.seen);
  }
  return seen;
}

const putContacts = repeatedStatement((tx, rows: SignalContactsTable[]) =>
  tx
    .insertInto('signal_contacts')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['address', 'partner']).doUpdateSet(({ ref }) => ({ seen: ref('excluded.seen') })),
    ),
);

/** Of how many addresses a partner knew in the last 30 days. */
export async function countContacts(query: Query, partner: string, now: number): Promise<number> {
  const { known } = await query
    .selectFrom('signal_contacts')
    .select(({ fn }) => fn.countAll().as('known'))
    .where('partner', '=', partner)
    .where('seen', '>', now - SIGNAL_CONTACT_LIFE_S)
    .executeTakeFirstOrThrow();
  return Number(known);
}
