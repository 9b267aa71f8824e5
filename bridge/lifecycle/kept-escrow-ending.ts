import { deleteKeptEscrows, hasKeptEscrow } from '../binding/kept-escrow-store.ts';
import { deleteReadingsOf } from '../binding/recovery-store.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { deleteSealedKeysTo } from '../groups/sealed-key-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { Database, Transaction } from '../storage/database.ts';

interface Deps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly escrowKeepSeconds: number;
}

/** Destroys what of closed persons' escrows was kept for long enough. */
export interface KeptEscrowEnding {
  /** Answers how many, leaving an event each. For a background loop. */
  purge(): Promise<number>;
}

export function createKeptEscrowEnding(deps: Deps): KeptEscrowEnding {
  const { database, events, clock, escrowKeepSeconds } = deps;
  return {
    purge: () =>
      database.transaction(async (tx) => {
        const ended = await deleteKeptEscrows(tx, { until: seconds(clock) - escrowKeepSeconds });
        for (const { id, sub, address, key_version, closed } of ended) {
          await deleteReadingsOf(tx, id);
          await forgetSealedKeys(tx, sub, closed);
          const data = { key_version, reason: 'retention ended' };
          const destroyed = { type: 'escrow.destroyed', subject: { sub, address }, data } as const;
          await events.append(tx, succeeded(destroyed, SYSTEM));
        }
        return ended.length;
      }),
  };
}

/** Nobody can open them any more. What came after the closing is for keys that the person has anew. */
async function forgetSealedKeys(tx: Transaction, sub: string, closed: number): Promise<void> {
  if (await hasKeptEscrow(tx, sub)) return;
  const until = (closed + 1) * 1000;
  await deleteSealedKeysTo(tx, { recipient_kind: 'person', recipient: sub }, until);
}
