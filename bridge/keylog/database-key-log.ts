import type { Logger } from '../lib/logger.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { createSequencer, type Sequencer } from '../tlog/sequencer.ts';
import type { KeyLog, LoggedKind, LoggedVersion } from './key-log.ts';
import { PublicationWaiters } from './publication-waiters.ts';
import {
  insertVersion,
  isPlaced,
  placeVersions,
  type StagedVersion,
  stagedVersions,
} from './version-store.ts';

export interface KeyLogDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly cache?: Keyspace | undefined;
}

/** The key log in the database. Without `start` it only stages: a bridge that runs on the same store sequences. */
export function createKeyLog(deps: KeyLogDeps): KeyLog {
  return new DatabaseKeyLog(deps);
}

class DatabaseKeyLog implements KeyLog {
  readonly #sequencer: Sequencer<StagedVersion>;
  readonly #waiters: PublicationWaiters;

  constructor(deps: KeyLogDeps) {
    // the head's hash stays empty until the tree is built over the same rows: its root takes the place
    this.#sequencer = createSequencer(deps, {
      log: 'keys',
      genesis: '',
      staged: stagedVersions,
      place: placeVersions,
    });
    this.#waiters = new PublicationWaiters(({ kind, name, version }) =>
      deps.database.read((query) => this.isPublished(query, kind, name, version)),
    );
    this.#sequencer.onPublished((rows) => this.#waiters.published(rows));
  }

  async stage(tx: Transaction, version: LoggedVersion): Promise<void> {
    await insertVersion(tx, version);
    this.#sequencer.wake();
  }

  async published(kind: LoggedKind, name: string, version: number): Promise<void> {
    await this.#waiters.wait({ kind, name, version });
  }

  async isPublished(query: Query, kind: LoggedKind, name: string, version: number): Promise<boolean> {
    return isPlaced(query, kind, name, version);
  }

  wake(): void {
    this.#sequencer.wake();
  }

  start(): void {
    this.#sequencer.start();
  }

  async stop(): Promise<void> {
    await this.#sequencer.stop();
  }
}
