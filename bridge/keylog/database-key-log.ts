import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import type { Clock } from '../lib/clock.ts';
import { EPOCH_ENOUGH_VERSIONS, EPOCH_VERSIONS, KEY_LOG_WITNESS_WAIT_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Signer } from '../signer/signer.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import type { SignedCheckpoint } from '../tlog/checkpoint-store.ts';
import { type Checkpoints, createCheckpoints } from '../tlog/checkpoints.ts';
import { newestCosignedTime, readCosignatures } from '../tlog/cosignature-store.ts';
import type { LogHead } from '../tlog/log-heads.ts';
import { EMPTY_LOG } from '../tlog/log-tree.ts';
import { logVerifierKeys } from '../tlog/note-signer.ts';
import type { Quorum } from '../tlog/quorum.ts';
import { createSequencer, type Sequencer } from '../tlog/sequencer.ts';
import type { SignedCheckpoints } from './anchors.ts';
import { createEpochClock, type EpochClock } from './epoch-clock.ts';
import { insertRungs, sizeOfEpoch } from './epoch-store.ts';
import { closeEpoch } from './epochs.ts';
import type { KeyLog, LoggedKind, LoggedVersion, StagingLog, StapleAnchor } from './key-log.ts';
import { MapPruning } from './map-pruning.ts';
import { MapStore } from './map-store.ts';
import type { KeyLogObserver } from './observer.ts';
import { PreparedVersions } from './prepared-versions.ts';
import { PublicationWaiters } from './publication-waiters.ts';
import type { VersionName } from './rungs.ts';
import { createStaples, type Staples } from './staples.ts';
import {
  findVersion,
  forgetVersions,
  insertVersion,
  type StagedVersion,
  stagedVersions,
  storePlaces,
} from './version-store.ts';

export interface KeyLogDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly cache?: Keyspace | undefined;
  /** Signs what is closed. Default: with no head file. */
  readonly checkpoints?: Checkpoints | undefined;
  /** Which checkpoints enough witnesses and auditors have cosigned. Default: none is demanded. */
  readonly quorum?: Quorum | undefined;
  readonly settings?: Partial<KeyLogSettings> | undefined;
  readonly observer?: KeyLogObserver | undefined;
  /** Hears what witnesses' clocks show. Default: one that hears of none. */
  readonly epochClock?: EpochClock | undefined;
  /** What the clock of the database's server shows, ms, where it is another than the bridge's. */
  readonly serverTime?: ((tx: Transaction) => Promise<number | undefined>) | undefined;
}

export interface KeyLogSettings {
  /** Threads that prove; 0: none but this one. Default: 0. */
  readonly vrfWorkers: number;
  /** From one epoch to the next, at least. Default: 0. */
  readonly epochMilliseconds: number;
  /** How long `published` waits for the quorum. */
  readonly witnessWaitMilliseconds: number;
}

export interface DatabaseKeyLog extends KeyLog {
  /** To be called after a cosignature was stored: from then on it is stapled. */
  cosigned(): void;
  /** Why the last look at what is staged failed; `undefined` after one that went well. */
  readonly failure: unknown;
  /** Opens the VRF key, which the first use does too. Throws `state_refused` for a log whose key is lost or another. */
  open(): Promise<void>;
}

/** The key log in the database. Before `start` it stages, and sequences that at `stop`. */
export function createKeyLog(deps: KeyLogDeps): DatabaseKeyLog {
  return new MappedKeyLog(deps);
}

/** Only stages: the bridge that runs on the same store, or the next one, sequences. */
export function createStagingLog(): StagingLog {
  return { stage: insertVersion };
}

class MappedKeyLog implements DatabaseKeyLog {
  readonly #deps: KeyLogDeps;
  readonly #checkpoints: Checkpoints;
  readonly #map = new MapStore();
  readonly #prepared: PreparedVersions;
  readonly #sequencer: Sequencer<StagedVersion>;
  readonly #waiters: PublicationWaiters;
  readonly #staples: Staples;
  readonly #pruning: MapPruning;
  readonly #epochClock: EpochClock;
  readonly #listeners: (() => void)[] = [];
  /** The newest epoch that is known to be under a signed checkpoint. */
  #signedEpoch = 0;
  /** Of the log, with the rows that were placed last. */
  #placedSize = 0;

  constructor(deps: KeyLogDeps) {
    const { database, logger, signer, quorum, settings } = deps;
    this.#deps = deps;
    this.#epochClock = deps.epochClock ?? createEpochClock(deps.clock);
    this.#checkpoints =
      deps.checkpoints ??
      createCheckpoints({ log: 'keys', origin: logOrigin(signer.iss), database, logger, signer });
    this.#prepared = new PreparedVersions({
      ...{ database, signer, workers: settings?.vrfWorkers ?? 0 },
      observer: deps.observer,
    });
    this.#sequencer = createSequencer(deps, {
      log: 'keys',
      genesis: EMPTY_LOG,
      batch: EPOCH_VERSIONS,
      enough: EPOCH_ENOUGH_VERSIONS,
      minInterval: settings?.epochMilliseconds ?? 0,
      staged: stagedVersions,
      prepare: (rows) => this.#prepared.prepare(rows),
      place: (tx, rows, head) => this.#place(tx, rows, head),
      publish: () => this.#checkpoints.publish(),
    });
    this.#waiters = new PublicationWaiters(({ kind, name, version }) =>
      database.read((query) => this.isPublished(query, kind, name, version)),
    );
    this.#staples = createStaples({
      map: this.#map,
      vrfPublicKey: () => this.#prepared.publicKey(),
      checkpoints: signedCheckpoints(this.#checkpoints, deps.signer),
      quorum,
      clock: deps.clock,
    });
    this.#pruning = new MapPruning({ database, logger, quorum });
    this.#sequencer.onPublished((rows) => this.#published(rows));
  }

  async stage(tx: Transaction, version: LoggedVersion): Promise<void> {
    await insertVersion(tx, version);
    this.#prepared.begin(version);
    afterCommit(tx, () => this.#sequencer.wake());
  }

  expect(version: Pick<LoggedVersion, 'kind' | 'name' | 'version'>): void {
    this.#prepared.begin(version);
  }

  async published(kind: LoggedKind, name: string, version: number): Promise<void> {
    const published = await this.#waiters.wait({ kind, name, version });
    const { quorum, settings } = this.#deps;
    if (!quorum?.demands('witness')) return;
    const size = published ?? (await this.#sizeWith({ kind, name, version }));
    // handed out before there was a log, and not in it yet
    if (size === undefined) return;
    await quorum.reached(size, settings?.witnessWaitMilliseconds ?? KEY_LOG_WITNESS_WAIT_MS);
    this.#staples.changed();
  }

  async isPublished(query: Query, kind: LoggedKind, name: string, version: number): Promise<boolean> {
    const found = await findVersion(query, { kind, name, version });
    if (found === undefined) return false;
    if (found.earlier === 1) return true;
    if (found.epoch === null) return false;
    if (found.epoch > this.#signedEpoch) {
      this.#signedEpoch = (await this.#checkpoints.newest(query))?.epoch ?? 0;
    }
    return found.epoch <= this.#signedEpoch;
  }

  async staple(
    query: Query,
    kind: LoggedKind,
    name: string,
    version: number,
    anchor: StapleAnchor = 'best',
  ): Promise<string | null> {
    const text = await this.#staples.of(query, { kind, name, version }, anchor);
    if (text !== null) this.#deps.observer?.stapled(text);
    return text;
  }

  proveEntry(query: Query, kind: LoggedKind, name: string, version: number): Promise<string | null> {
    return this.#staples.entryOf(query, { kind, name, version });
  }

  async forget(tx: Transaction, kind: LoggedKind, name: string, versions?: readonly number[]): Promise<void> {
    await forgetVersions(tx, kind, name, versions);
    this.#staples.forget(kind, name);
  }

  forgotten(kind: LoggedKind, name: string): void {
    this.#staples.forget(kind, name);
  }

  onEpoch(listener: () => void): void {
    this.#listeners.push(listener);
  }

  cosigned(): void {
    this.#staples.changed();
  }

  get failure(): unknown {
    return this.#sequencer.failure;
  }

  open(): Promise<void> {
    return this.#prepared.open();
  }

  wake(): void {
    this.#sequencer.wake();
  }

  start(): void {
    this.#prepared.start();
    this.#sequencer.start();
    this.#pruning.start();
  }

  async stop(): Promise<void> {
    await this.#sequencer.stop();
    await this.#pruning.stop();
    await this.#prepared.stop();
  }

  async #sizeWith(version: VersionName): Promise<number | undefined> {
    return this.#deps.database.read(async (query) => {
      const { epoch } = (await findVersion(query, version)) ?? {};
      return epoch === undefined || epoch === null ? undefined : sizeOfEpoch(query, epoch);
    });
  }

  async #place(tx: Transaction, rows: readonly StagedVersion[], head: LogHead): Promise<LogHead> {
    const { versions, rungs } = await this.#prepared.take(tx, rows);
    const deps = {
      clock: this.#deps.clock,
      assertClock: (tx: Transaction, last: number) => this.#assertClock(tx, last),
      map: this.#map,
      vrfPublicKey: await this.#prepared.publicKey(),
    };
    const { epoch, head: grown, position } = await closeEpoch(tx, head, versions, deps);
    const places = rows.map(({ staged_id, kind, name, version }, index) => ({
      ...{ staged_id, kind, name, version, position: position + index, epoch },
    }));
    await Promise.all([storePlaces(tx, places), insertRungs(tx, rungs)]);
    this.#placedSize = grown.size;
    return grown;
  }

  /** A cosignature that was stored was dated about then: it vouches for a clock that shows little more. */
  #assertClock(tx: Transaction, last: number): Promise<void> {
    return this.#epochClock.assertBelievable(last, async () => {
      const cosigned = await newestCosignedTime(tx, 'keys');
      const time = await this.#deps.serverTime?.(tx);
      return {
        right: cosigned === undefined ? undefined : cosigned * 1_000,
        others: time === undefined ? [] : [{ name: 'The database', time }],
      };
    });
  }

  #published(rows: readonly StagedVersion[]): void {
    this.#prepared.drop(rows);
    this.#staples.changed();
    this.#waiters.published(rows, this.#placedSize);
    for (const listener of this.#listeners) listener();
  }
}

/** Those that verifiers take: what a compromised key alone has signed is no anchor, whoever has seen it. */
function signedCheckpoints(checkpoints: Checkpoints, signer: Pick<Signer, 'onlineKeys'>): SignedCheckpoints {
  const isTaken = ({ log_signature: lines }: SignedCheckpoint) => {
    const keys = logVerifierKeys(signer.onlineKeys().all('log'), checkpoints.origin);
    const by = parseSignatureLines(lines);
    return keys.some(({ keyId }) => by.some((signature) => signature.keyId === keyId));
  };
  return {
    async newestSize(query) {
      return (await checkpoints.newest(query))?.size;
    },
    async note(query, size) {
      const checkpoint = await checkpoints.at(query, size);
      if (checkpoint === undefined || !isTaken(checkpoint)) return undefined;
      return checkpoints.noteOf(checkpoint, await readCosignatures(query, 'keys', size));
    },
  };
}
