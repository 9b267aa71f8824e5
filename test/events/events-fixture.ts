import { createEventLog, type SequencedEventLog } from '../../bridge/events/database-event-log.ts';
import type { EventInput } from '../../bridge/events/event-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import type { Database } from '../../bridge/storage/database.ts';
import {
  ISS,
  type MovableClock,
  movableClock,
  type TemporaryStore,
  temporaryStore,
} from '../signer/signer-fixture.ts';

export interface EventsFixture {
  readonly clock: MovableClock;
  readonly store: TemporaryStore;
  readonly database: Database;
  readonly log: SequencedEventLog;
  /** The log as another process on the same store has it. */
  openAnother(): Promise<{ database: Database; log: SequencedEventLog }>;
  remove(): Promise<void>;
}

export const quiet = createLogger({ level: 'silent' });

export async function eventsFixture(): Promise<EventsFixture> {
  const clock = movableClock();
  const store = await temporaryStore(clock);
  const logs: SequencedEventLog[] = [];
  const open = (database: Database) => {
    const log = createEventLog({ database, clock, logger: quiet, iss: ISS });
    logs.push(log);
    return log;
  };
  return {
    clock,
    store,
    database: store.database,
    log: open(store.database),
    async openAnother() {
      const database = await store.openAnother();
      return { database, log: open(database) };
    },
    async remove() {
      await Promise.all(logs.map((log) => log.stop()));
      await store.remove();
    },
  };
}

export function closed(sub: string): EventInput {
  return {
    type: 'person.closed',
    actor: { kind: 'administrator', id: 'admin-1' },
    subject: { sub },
    outcome: 'success',
    data: { reason: 'left' },
  };
}

export function refusedRequest(route: string): EventInput {
  return {
    type: 'request.refused',
    actor: { kind: 'anonymous', address: '192.0.2.1' },
    outcome: 'failure',
    code: 'malformed_request',
    requestId: 'r-1',
    data: { method: 'POST', route, status: 400 },
  };
}

/** All published events. */
export function all(log: Pick<SequencedEventLog, 'page'>) {
  return log.page({ since: 0, limit: 1_000 });
}

/** Appends each event in a transaction of its own, one after the other. */
export async function appendEach(
  database: Database,
  log: SequencedEventLog,
  subs: readonly string[],
): Promise<void> {
  for (const sub of subs) await database.transaction((tx) => log.append(tx, closed(sub)));
}
