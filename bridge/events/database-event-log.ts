import { CountersignError } from '../../protocol/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { EVENT_PAGE, EVENT_SEQUENCING_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { createPaced, type Paced } from '../lib/paced.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { createSequencer, type Sequencer } from '../tlog/sequencer.ts';
import { type EventBody, type EventInput, eventBody, eventGenesis, type StoredEvent } from './event.ts';
import type { EventLog } from './event-log.ts';
import { placeEvents, readEvents, type StagedEvent, stagedEvents, stageEvents } from './event-store.ts';
import { readPruned } from './prune-store.ts';
import { RecordGroups } from './record-groups.ts';

export interface EventLogDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Our entity id: the chain begins with it. */
  readonly iss: string;
  readonly cache?: Keyspace | undefined;
  /** Milliseconds between looks for events without a `seq` that nobody asked for: as a sequencer has it. */
  readonly intervalMs?: number;
}

/** The event log, with what its delivery and the tests need of it. */
export interface SequencedEventLog extends EventLog {
  /** Resolves when what was reported before the call has its `seq`. */
  settled(): Promise<void>;
  /**
   * Calls `listener` after events got their `seq`: with them, in their order, and the `seq` of the last; with none where
   * another process gave it.
   */
  onPublished(listener: (events: readonly EventBody[], last: number | undefined) => void): void;
}

/** The event log in the database. Without `start` it only stores: a bridge that runs on the same store sequences. */
export function createEventLog(deps: EventLogDeps): SequencedEventLog {
  return new DatabaseEventLog(deps);
}

class DatabaseEventLog implements SequencedEventLog {
  readonly #deps: EventLogDeps;
  readonly #sequencer: Sequencer<StagedEvent>;
  readonly #sequencing: Paced;
  readonly #groups: RecordGroups<EventBody>;

  constructor(deps: EventLogDeps) {
    this.#deps = deps;
    this.#sequencer = createSequencer(deps, {
      log: 'events',
      genesis: eventGenesis(deps.iss),
      staged: stagedEvents,
      place: placeEvents,
    });
    this.#sequencing = createPaced(() => this.#sequencer.wake(), EVENT_SEQUENCING_MS);
    this.#groups = new RecordGroups(async (bodies) => {
      // Only the sequencer takes them up, and its own commit has them on disk before anybody sees them.
      await deps.database.transaction((tx) => stageEvents(tx, bodies), { seenBeforeDurable: true });
      this.#sequencing.ask();
    });
  }

  async append(tx: Transaction, event: EventInput): Promise<void> {
    await stageEvents(tx, [this.#body(event)]);
    afterCommit(tx, () => this.#sequencing.ask());
  }

  async record(event: EventInput): Promise<void> {
    const body = this.#body(event);
    await this.#assertOutsideTransaction();
    await this.#groups.add(body);
  }

  async page({ since, limit }: { since: number; limit: number }): Promise<StoredEvent[]> {
    if (!Number.isSafeInteger(since) || since < 0 || !Number.isInteger(limit) || limit < 1) {
      throw new CountersignError('malformed_request', 'since counts from 0, limit from 1');
    }
    return this.#deps.database.read(async (query) => {
      const page = await readEvents(query, since, Math.min(limit, EVENT_PAGE));
      if (since === 0 || page[0]?.seq === since + 1) return page;
      const pruned = await readPruned(query);
      if (since < pruned.seq) throw gone(since + 1, pruned.seq);
      return page;
    });
  }

  start(): void {
    this.#sequencer.start();
  }

  async stop(): Promise<void> {
    await this.#groups.idle();
    this.#sequencing.forget();
    await this.#sequencer.stop();
  }

  async settled(): Promise<void> {
    await this.#groups.idle();
    await this.#sequencer.settled();
  }

  onPublished(listener: (events: readonly EventBody[], last: number | undefined) => void): void {
    this.#sequencer.onPublished((events, last) =>
      listener(
        events.map(({ body }) => body),
        last,
      ),
    );
  }

  #body(event: EventInput): EventBody {
    return eventBody(event, newId(), this.#deps.clock.now());
  }

  /** The group's transaction would wait for the caller's, which waits for the group: the store refuses to be used there. */
  async #assertOutsideTransaction(): Promise<void> {
    await this.#deps.database.read(async () => undefined);
  }
}

function gone(first: number, pruned: number): CountersignError {
  return new CountersignError(
    'events_pruned',
    `The content of event ${first} is not kept any more: the oldest that is has the seq ${pruned + 1}.`,
  );
}
