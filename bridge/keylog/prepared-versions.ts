import { isCountersignError } from '../../protocol/errors.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import type { VrfProofsTable } from '../storage/tables/keylog.ts';
import { longestWaiting } from './longest-waiting.ts';
import type { MapLeaf } from './map-pages.ts';
import { type KeyLogObserver, watchProver } from './observer.ts';
import { type PreparedRungs, Rungs, type VersionName } from './rungs.ts';
import { type Commitment, commitToEarlier, type StagedVersion, storeCommitment } from './version-store.ts';
import { openVrfKey } from './vrf-key.ts';
import { createVrfPool, type VrfProver } from './vrf-pool.ts';

export interface PreparedVersionsDeps {
  readonly database: Database;
  readonly signer: Signer;
  /** Threads that prove. */
  readonly workers: number;
  readonly observer?: KeyLogObserver | undefined;
}

/** What an epoch takes in. */
export interface PreparedContent {
  /** In the order of the rows. */
  readonly versions: readonly MapLeaf[];
  /** The proofs that their ladders need and that are not stored yet. */
  readonly rungs: readonly VrfProofsTable[];
}

interface Prepared extends PreparedRungs {
  readonly commitment: Uint8Array;
  /** To be stored with it, where the row had no commitment. */
  readonly made: Commitment | undefined;
}

interface Proving {
  readonly publicKey: Uint8Array;
  readonly prover: VrfProver;
  readonly rungs: Rungs;
}

/** Staged versions on their way into an epoch: what takes long is done here, before the transaction. */
export class PreparedVersions {
  readonly #deps: PreparedVersionsDeps;
  readonly #ready = new Map<string, Prepared>();
  #opening: Promise<Proving> | undefined;
  #proving: Proving | undefined;
  #publicKey: Uint8Array | undefined;

  constructor(deps: PreparedVersionsDeps) {
    this.#deps = deps;
  }

  /** Throws what `openVrfKey` throws. */
  async open(): Promise<void> {
    await this.#open();
  }

  /** So that the first version need not wait. What fails here fails again, and is told, when it is needed. */
  start(): void {
    this.#open().catch(() => {});
  }

  /** Ends the threads and forgets the secret, until it is needed again. */
  async stop(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#proving = undefined;
    this.#ready.clear();
    await opening?.then(({ prover }) => prover.close()).catch(() => {});
  }

  /** Of entry 0, which it will be where there is none yet. */
  async publicKey(): Promise<Uint8Array> {
    this.#publicKey ??= (await this.#open()).publicKey;
    return this.#publicKey;
  }

  /** Begins to prove what a version needs that is about to be committed. */
  begin(version: VersionName): void {
    this.#proving?.rungs.begin(version);
  }

  /**
   * Answers those that make an epoch: of many the half that waits longest, so that the others are proved while its entries are stored,
   * signed and cosigned, and no thread stands still. Remembers what it computes until `drop`.
   */
  async prepare(rows: readonly StagedVersion[]): Promise<readonly StagedVersion[]> {
    const { rungs } = await this.#open();
    const wanted = new Set(rows.map(({ staged_id }) => staged_id));
    for (const id of this.#ready.keys()) if (!wanted.has(id)) this.#ready.delete(id);
    const first = longestWaiting(rows);
    const missing = first.filter(({ staged_id }) => !this.#ready.has(staged_id));
    const prepared = Promise.all(
      missing.map(async (row) => {
        const prepared = await rungs.prepare(row);
        const made = row.commitment === null ? await this.#commitToEarlier(row) : undefined;
        const commitment = row.commitment ?? made?.commitment;
        if (commitment !== undefined) this.#ready.set(row.staged_id, { ...prepared, commitment, made });
      }),
    );
    const now = new Set(first);
    for (const row of rows) if (!now.has(row)) rungs.begin(row);
    await prepared;
    return first;
  }

  /** What was prepared of the rows, to be stored in the transaction. Throws `conflict` as `storeCommitment`. */
  async take(tx: Transaction, rows: readonly StagedVersion[]): Promise<PreparedContent> {
    const versions: MapLeaf[] = [];
    const rungs = new Map<string, VrfProofsTable>();
    for (const { staged_id } of rows) {
      const ready = this.#ready.get(staged_id);
      if (ready === undefined) throw new RangeError('a version was not prepared');
      if (ready.made !== undefined) await this.#storeCommitment(tx, staged_id, ready.made);
      versions.push({ output: ready.output, commitment: ready.commitment });
      // versions of one name that are prepared at once have rungs in common
      for (const rung of ready.fresh) rungs.set(`${rung.kind} ${rung.version} ${rung.name}`, rung);
    }
    return { versions, rungs: [...rungs.values()] };
  }

  /** They are in the log. */
  drop(rows: readonly StagedVersion[]): void {
    for (const { staged_id } of rows) {
      this.#proving?.rungs.drop(this.#ready.get(staged_id)?.fresh ?? []);
      this.#ready.delete(staged_id);
    }
  }

  async #storeCommitment(tx: Transaction, stagedId: string, made: Commitment): Promise<void> {
    try {
      await storeCommitment(tx, stagedId, made);
    } catch (error) {
      // one that was forgotten meanwhile has its commitment by now: it is prepared anew with that
      if (isCountersignError(error, 'conflict')) this.#ready.delete(stagedId);
      throw error;
    }
  }

  #commitToEarlier(row: StagedVersion): Promise<Commitment> {
    return this.#deps.database.read((query) => commitToEarlier(query, row));
  }

  async #open(): Promise<Proving> {
    this.#opening ??= this.#start();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #start(): Promise<Proving> {
    const { database, workers, observer } = this.#deps;
    const { publicKey, seed } = await openVrfKey(this.#deps);
    const prover = watchProver(createVrfPool({ seed, workers }), observer);
    seed.fill(0);
    this.#proving = { publicKey, prover, rungs: new Rungs(database, prover) };
    return this.#proving;
  }
}
