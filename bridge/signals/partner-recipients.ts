import { listPartners } from '../federation/partner-store.ts';
import type { Transaction } from '../storage/database.ts';
import { addressesOfPerson } from './addresses-of-person.ts';
import type { ChangeToSignal } from './changes-to-signal.ts';
import { partnersWhoKnow } from './contacts.ts';
import type { SignalClaims } from './signal.ts';

/** A signal, and the queue that it belongs in. */
export interface AddressedSignal {
  readonly queue: string;
  readonly claims: SignalClaims;
}

/**
 * The signals to partners about a change: to those that were answered about this very address, or shown it in a meeting,
 * and to nobody else (decision 0034). Those to a suspended partner wait until it is approved again: it goes on using the
 * answers that it remembers. `now` in seconds.
 */
export async function signalsToPartners(
  tx: Transaction,
  change: ChangeToSignal,
  { txn, now }: { txn: string; now: number },
): Promise<AddressedSignal[]> {
  if (change.for !== 'everybody') return [];
  const signals: AddressedSignal[] = [];
  const { sub, address } = change;
  for (const email of address === undefined ? await addressesOfPerson(tx, sub) : [address]) {
    const claims = {
      ...{ txn, sub_id: { format: 'email', email } as const },
      events: { [change.uri]: change.members },
    };
    const knowing = await partnersWhoKnow(tx, email, now);
    for (const queue of await withoutRemoved(tx, knowing)) signals.push({ queue, claims });
  }
  return signals;
}

async function withoutRemoved(tx: Transaction, partners: readonly string[]): Promise<readonly string[]> {
  if (partners.length === 0) return [];
  const kept = (await listPartners(tx)).filter(({ status }) => status !== 'removed');
  const ids = new Set(kept.map(({ entity_id }) => entity_id));
  return partners.filter((partner) => ids.has(partner));
}
