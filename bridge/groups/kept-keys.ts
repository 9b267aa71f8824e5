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
  /** As it was sealed: nothing is transformed. Throws `sealed_key_unknown`, `recovery_unknown`, `recovery_state`. */
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
      const { sub, address } = await keptEscrows.requireReleased(reading);
      const recipient = { recipient_kind: 'person', recipient: sub } as const;
      const sealed = await database.read((query) => requireSealedKey(query, recipient, keyId));
      const data = { recovery: reading, key_id: keyId };
      await events.record(succeeded({ type: 'escrow.key_read', subject: { sub, address }, data }, context));
      const { encrypted, token, device_id } = sealed;
      return { encrypted: encodeBase64url(encrypted), token, device_id };
    },
  };
}
