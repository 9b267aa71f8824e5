import type { Transaction } from '../storage/database.ts';
import { addressesIn, bridgesIn, countParticipants } from './participant-store.ts';

/** Notes the addresses that a partner was shown. */
export type NoteTold = (
  transaction: Transaction,
  partner: string,
  addresses: readonly string[],
) => Promise<unknown>;

/**
 * Notes who was shown whom by a device that has just entered a meeting kept here: the first one of a partner is shown
 * everybody of ours who is there, and a device of ours is shown to the partners that are. In the transaction that stores
 * the presence, so that nobody is told of who comes after they have left.
 */
export async function noteMet(
  tx: Transaction,
  { home, group, iss, address }: { home: string; group: string; iss: string; address: string },
  noteTold: NoteTold,
): Promise<void> {
  if (iss === home) {
    const partners = (await bridgesIn(tx, group)).filter((bridge) => bridge !== home).sort();
    for (const partner of partners) await noteTold(tx, partner, [address]);
  } else if ((await countParticipants(tx, group, iss)) === 1) {
    await noteTold(tx, iss, await addressesIn(tx, group, home));
  }
}
