import { encodeBase64url } from '../../protocol/base64url.ts';
import type { KeptKey } from '../../protocol/escrow/kept-escrow.ts';
import type { KeptEscrows } from '../binding/kept-escrows.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Database } from '../storage/database.ts';
import { requireSealedKey } from './sealed-key-store.ts';

/** What was sealed to a closed person, for a reader to whom two administrators released their keys. */
export interface KeptKeys {
  /** As it was sealed: nothing is transformed. Throws `sealed_key_unknown`, `recovery_unknown`, `recovery_state`, `escrow_none`. */
  open(reading: string, keyId: string, context: RequestContext): Promise<KeptKey>;
}

interface Deps {
  readonly database: Database;
  readonly events: EventLog;
  readonly keptEscrows: Pick<KeptEscrows, 'requireReleased'>;
}

export function createKeptKeys({ database, events, keptEscrows }: Deps): KeptKeys {
  return {
    async open(reading, keyId, context) {
      const sealed = await database.transaction(async (tx) => {
        const { sub, address } = await keptEscrows.requireReleased(tx, reading);
        const recipient = { recipient_kind: 'person', recipient: sub } as const;
        const found = await requireSealedKey(tx, recipient, keyId);
        const data = { recovery: reading, key_id: keyId };
        const read = { type: 'escrow.key_read', subject: { sub, address }, data } as const;
        await events.append(tx, succeeded(read, context));
        return found;
      });
      const { encrypted, token, device_id } = sealed;
      return { encrypted: encodeBase64url(encrypted), token, device_id };
    },
  };
}
