import { createEventLog, type SequencedEventLog } from '../../bridge/events/database-event-log.ts';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { createEventCheckpoints, type EventCheckpoints } from '../../bridge/events/log-checkpoints.ts';
import { createEventProofs, type EventProofs } from '../../bridge/events/log-proofs.ts';
import { createEventPruning, type EventPruning } from '../../bridge/events/prune-events.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { appendEach, quiet } from '../events/events-fixture.ts';
import { ISS, type SignerFixture, signerFixture } from '../signer/signer-fixture.ts';

const DAY_MS = 86_400_000;

/** An event log with its checkpoints, proofs and pruning, as a bridge has them. */
export interface EventProofFixture extends SignerFixture {
  readonly database: Database;
  readonly signer: Signer;
  readonly log: SequencedEventLog;
  readonly checkpoints: EventCheckpoints;
  readonly proofs: EventProofs;
  /** The lowest `seq` that a sink needs: all are delivered unless a test says otherwise. */
  needed: number;
  /** Days that have passed since the events were reported: their ids say when that was, by the machine's clock. */
  age: number;
  /** Days that the process runs, by a clock that nobody can set. */
  uptime: number;
  pruning(retentionDays: number): EventPruning;
  /** Reports so many events, which get their places. */
  report(count: number): Promise<void>;
  /** Reports so many and signs; with the event of the checkpoint the log is one longer then. */
  reportSigned(count: number): Promise<void>;
  events(since?: number): Promise<StoredEvent[]>;
  remove(): Promise<void>;
}

export async function eventProofFixture(): Promise<EventProofFixture> {
  // Ids of events are of the machine's clock, whatever day it is: what is signed must be of the same.
  const fixture = await signerFixture(Date.now());
  const { clock } = fixture;
  const { database } = fixture.store;
  const signer = await fixture.open();
  const log = createEventLog({ database, clock, logger: quiet, iss: ISS });
  const checkpoints = createEventCheckpoints({ database, events: log, signer, clock, logger: quiet });
  const proven: EventProofFixture = {
    ...fixture,
    ...{ database, signer, log, checkpoints, needed: Number.MAX_SAFE_INTEGER, age: 0, uptime: 0 },
    proofs: createEventProofs({ database, signer, signed: checkpoints.signed }),
    pruning: (retentionDays) =>
      createEventPruning({
        ...{ database, events: log, logger: quiet, retentionDays },
        clock: { now: () => Date.now() + proven.age * DAY_MS },
        elapsed: () => proven.uptime * DAY_MS,
        oldestNeeded: async () => proven.needed,
      }),
    async report(count) {
      const subs = Array.from({ length: count }, (_, index) => `p${index + 1}`);
      await appendEach(database, log, subs);
      await log.settled();
    },
    async reportSigned(count) {
      await proven.report(count);
      await checkpoints.checkpoint();
      await log.settled();
    },
    events: (since = 0) => log.page({ since, limit: 1_000 }),
    async remove() {
      await checkpoints.stop();
      await log.stop();
      await fixture.store.remove();
    },
  };
  return proven;
}
