import type { Config } from '../config/index.ts';
import type { SequencedEventLog } from '../events/database-event-log.ts';
import type { Delivery } from '../events/delivery.ts';
import { createEventCheckpoints, type EventCheckpoints } from '../events/log-checkpoints.ts';
import { createEventProofs, type EventProofs } from '../events/log-proofs.ts';
import { createEventPruning, type EventPruning } from '../events/prune-events.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closing } from '../lib/closing.ts';
import type { Logger } from '../lib/logger.ts';
import { oldestToSignal } from '../signals/progress-store.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import type { HeadTrust } from '../tlog/head-trust.ts';

export interface EventProofParts {
  readonly eventCheckpoints: EventCheckpoints;
  readonly eventProofs: EventProofs;
  readonly eventPruning: EventPruning;
}

/** What proves the event log, and what lets go of its old content. Nothing is signed while the store is in doubt. */
export function openEventProofs(
  needs: {
    readonly database: Database;
    readonly signer: Signer;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly events: SequencedEventLog;
    readonly delivery: Pick<Delivery, 'oldestNeeded'>;
    readonly headTrust: HeadTrust;
  },
  settings: Config['events'],
  closing: Closing,
): EventProofParts {
  const { headTrust, delivery } = needs;
  const eventCheckpoints = createEventCheckpoints({
    ...needs,
    assertTrusted: () => headTrust.assertTrusted(),
  });
  const eventPruning = createEventPruning({
    ...needs,
    retentionDays: settings.retention_days,
    oldestNeeded: async (query) => Math.min(await delivery.oldestNeeded(query), await oldestToSignal(query)),
  });
  closing.add('event pruning', () => eventPruning.stop());
  eventPruning.start();
  closing.add('event checkpoints', () => eventCheckpoints.stop());
  eventCheckpoints.start();
  const eventProofs = createEventProofs({ ...needs, signed: eventCheckpoints.signed });
  return { eventCheckpoints, eventProofs, eventPruning };
}
