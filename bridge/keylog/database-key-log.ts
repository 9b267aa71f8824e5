import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { createSequencer, type LogHead, type Sequencer } from '../tlog/sequencer.ts';
import type { KeyLog, LoggedKind, LoggedVersion } from './key-log.ts';
import { PublicationWaiters } from './publication-waiters.ts';

export interface KeyLogDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly cache?: Keyspace | undefined;
}

type StagedVersion = Omit<LoggedVersion, 'value'> & { readonly staged_id: string };

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

  async stage(tx: Transaction, { kind, name, version, value }: LoggedVersion): Promise<void> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('logged_versions')
      .values({ staged_id: newId(), kind, name, version, value, value_hash: sha256Base64url(value) })
      .onConflict((conflict) => conflict.columns(['kind', 'name', 'version']).doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows !== 1n) {
      throw new CountersignError('conflict', 'This version exists already.');
    }
    this.#sequencer.wake();
  }

  async published(kind: LoggedKind, name: string, version: number): Promise<void> {
    await this.#waiters.wait({ kind, name, version });
  }

  async isPublished(query: Query, kind: LoggedKind, name: string, version: number): Promise<boolean> {
    const row = await query
      .selectFrom('logged_versions')
      .select('position')
      .where('kind', '=', kind)
      .where('name', '=', name)
      .where('version', '=', version)
      .where('position', 'is not', null)
      .executeTakeFirst();
    return row !== undefined;
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

/** Lower versions first: those of one name must not overtake each other where the clocks of replicas differ. */
async function stagedVersions(query: Query, limit: number): Promise<StagedVersion[]> {
  return query
    .selectFrom('logged_versions')
    .select(['staged_id', 'kind', 'name', 'version'])
    .where('position', 'is', null)
    .orderBy('version')
    .orderBy('staged_id')
    .limit(limit)
    .execute();
}

async function placeVersions(
  tx: Transaction,
  rows: readonly StagedVersion[],
  head: LogHead,
): Promise<string> {
  for (const [index, row] of rows.entries()) {
    const { numUpdatedRows } = await tx
      .updateTable('logged_versions')
      .set({ position: head.size + index })
      .where('staged_id', '=', row.staged_id)
      .where('position', 'is', null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows !== 1n) throw new CountersignError('conflict', 'another sequencer placed the version');
  }
  return head.hash;
}
