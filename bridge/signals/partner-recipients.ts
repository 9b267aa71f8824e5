import { versionsOf } from '../directory/statements.ts';
import { listPartners } from '../federation/partner-store.ts';
import type { Transaction } from '../storage/database.ts';
import type { ChangeToSignal } from './changes-to-signal.ts';
import { partnersWhoKnow } from './contacts.ts';
import type { SignalClaims } from './signal.ts';

/** A signal, and the queue that it belongs in. */
export interface AddressedSignal {
  readonly queue: string;
  readonly claims: SignalClaims;
}

/**
 * The signals to partners about a change: to those that know of this very address, or met the person, and to nobody
 * else (decision 0034). `now` in seconds.
 */
export async function signalsToPartners(
  tx: Transaction,
  change: ChangeToSignal,
  { txn, now }: { txn: string; now: number },
): Promise<AddressedSignal[]> {
  if (change.for !== 'everybody') return [];
  const signals: AddressedSignal[] = [];
  for (const email of await addressesOf(tx, change)) {
    const claims = {
      ...{ txn, sub_id: { format: 'email', email } as const },
      events: { [change.uri]: change.members },
    };
    const knowing = await partnersWhoKnow(tx, [email, change.sub], now);
    for (const queue of await activeOf(tx, knowing)) signals.push({ queue, claims });
  }
  return signals;
}

/** Those that have, or had, a key: of another address no partner was ever told anything. */
async function addressesOf(tx: Transaction, { sub, address }: ChangeToSignal): Promise<readonly string[]> {
  return address === undefined ? [...(await versionsOf(tx, sub)).keys()] : [address];
}

async function activeOf(tx: Transaction, partners: readonly string[]): Promise<readonly string[]> {
  if (partners.length === 0) return [];
  const active = (await listPartners(tx)).filter(({ status }) => status === 'active');
  const ids = new Set(active.map(({ entity_id }) => entity_id));
  return partners.filter((partner) => ids.has(partner));
}
