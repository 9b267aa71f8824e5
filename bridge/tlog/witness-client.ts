import { CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import type { Checkpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { type Clock, elapsed, seconds } from '../lib/clock.ts';
import { WITNESS_LOOK_MS, WITNESS_RETRY_MAX_MS, WITNESS_RETRY_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outbound } from '../lib/outbound.ts';
import type { Database, Query } from '../storage/database.ts';
import { checkCosignatures } from './cosignature-check.ts';
import { cosignedAt, storeCosignature } from './cosignature-store.ts';
import { unproven } from './head-witness.ts';
import type { LogName } from './log-heads.ts';
import { type OwnedLog, readSeenCheckpoint, type Standing } from './seen-checkpoint.ts';
import { askWitness } from './witness-exchange.ts';
import { saveSizeAtWitness, sizeAtWitness } from './witness-store.ts';

/** A log of ours, as witnesses are shown it. */
export interface ShownLog {
  readonly log: LogName;
  /** What witnesses say of it is checked by this. */
  readonly owned: OwnedLog;
  /** The newest checkpoint that is signed: its size, and its note with the log's signature alone. */
  newest(query: Query): Promise<{ readonly size: number; readonly note: string } | undefined>;
  /** RFC 6962 §2.1.2, of sizes that the log has. */
  consistencyProof(query: Query, oldSize: number, newSize: number): Promise<readonly Uint8Array[]>;
  /** Of a checkpoint that the log has signed. */
  standingOf(query: Query, checkpoint: Checkpoint): Promise<Standing>;
}

/**
 * How one witness stands. `ahead`: it has shown a checkpoint of our log that is larger than what we have.
 * `contradicted`: one of another history than ours. Both carry our own signature, whatever the witness is: they are the
 * sign of a restored backup or a forked log, and nothing that time heals. A witness that only claims so is `failing`.
 */
export interface WitnessState {
  /** Of its key. */
  readonly name: string;
  readonly url: string;
  readonly state: 'unknown' | 'cosigning' | 'failing' | 'ahead' | 'contradicted';
  /** Up to where it has cosigned, as it says; null before it said so. */
  readonly size: number | null;
  /** When it last cosigned; seconds. */
  readonly cosigned: number | null;
  /** Why it is `failing`. */
  readonly error: ErrorCode | null;
}

export interface WitnessClientDeps {
  readonly witness: { readonly key: VerifierKey; readonly url: string };
  readonly shown: ShownLog;
  readonly database: Database;
  readonly outbound: Pick<Outbound, 'request'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A cosignature of the newest checkpoint is renewed when it is this old; seconds. */
  readonly refreshSeconds: number;
  /** Told what the witness's clock shows, by a cosignature that verifies; seconds. */
  readonly onTime?: ((name: string, time: number) => void) | undefined;
  /** Told after a cosignature was stored. */
  readonly onCosigned: () => void;
  /** Told when `state` is another than before. */
  readonly onChange: (now: WitnessState, before: WitnessState) => void;
}

/** 409 gives the size to prove from; a witness that others ask too may have moved on once more. */
const TRIES = 3;

/**
 * Shows one witness our newest checkpoint: one request at a time, each bounded in time. What came up meanwhile is left
 * out: the newest checkpoint stands for all before it. A witness that fails is asked again after growing pauses.
 */
export class WitnessClient {
  readonly #deps: WitnessClientDeps;
  #state: WitnessState;
  #failures = 0;
  /** By a clock that is never set: one that was put back must not hold the next try up. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #loop: Loop | undefined;
  #asking: Promise<WitnessState> | undefined;

  constructor(deps: WitnessClientDeps) {
    this.#deps = deps;
    const { key, url } = deps.witness;
    this.#state = { name: key.name, url, state: 'unknown', size: null, cosigned: null, error: null };
  }

  get state(): WitnessState {
    return this.#state;
  }

  start(): void {
    const { witness, logger } = this.#deps;
    this.#loop ??= startLoop(
      `witness ${witness.key.name}`,
      WITNESS_LOOK_MS,
      async (signal) => {
        if (elapsed(this.#deps.clock) >= this.#notBefore) await this.ask(signal);
      },
      { logger },
    );
  }

  wake(): void {
    this.#loop?.wake();
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
    this.#loop = undefined;
  }

  /**
   * Asks for what is due now, or waits for the request that is under way. Rejects only with what our own store throws:
   * how it went is the `state` answered.
   */
  ask(signal: AbortSignal): Promise<WitnessState> {
    this.#asking ??= this.#ask(signal).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(signal: AbortSignal): Promise<WitnessState> {
    const { database, shown } = this.#deps;
    const due = await database.read((query) => this.#due(query));
    if (due === undefined) return this.#state;
    try {
      await this.#cosign(due, signal);
    } catch (error) {
      if (signal.aborted) return this.#state;
      if (!isCountersignError(error) || isOurs(error)) throw error;
      this.#failed(error, shown.log);
    }
    return this.#state;
  }

  async #due(query: Query): Promise<{ size: number; note: string } | undefined> {
    const { shown, witness, clock, refreshSeconds } = this.#deps;
    const newest = await shown.newest(query);
    if (newest === undefined) return undefined;
    const at = await cosignedAt(query, shown.log, newest.size, witness.key);
    return at === undefined || at + refreshSeconds <= seconds(clock) ? newest : undefined;
  }

  async #cosign(due: { size: number; note: string }, signal: AbortSignal): Promise<void> {
    const { database, shown, outbound, witness } = this.#deps;
    let newest = due;
    let oldSize = await database.read((query) => sizeAtWitness(query, shown.log, witness.key));
    for (let tries = 0; tries < TRIES; tries += 1) {
      const from = Math.min(oldSize, newest.size);
      const { size, note } = newest;
      const proof = await database.read((query) => this.#proof(query, from, size));
      const said = await askWitness(
        outbound,
        witness.url,
        { oldSize: from, proof, checkpoint: note },
        signal,
      );
      if (said.kind === 'signed') return this.#keep(newest, said.signatures);
      if (said.kind === 'refused') return this.#demandProof('another history', signal);
      oldSize = said.size;
      // Another replica may have shown it a newer one.
      newest = (await database.read((query) => shown.newest(query))) ?? newest;
      if (oldSize > newest.size) return this.#demandProof(`${oldSize} entries`, signal);
    }
    throw new CountersignError('outbound_failed', `${witness.key.name} keeps naming other sizes.`);
  }

  /** Only what our own log has signed stops it: a witness that merely claims `seen` does not cosign, and no more. */
  async #demandProof(seen: string, signal: AbortSignal): Promise<void> {
    const { database, shown, outbound, witness, logger } = this.#deps;
    const { name } = witness.key;
    const checkpoint = await readSeenCheckpoint(outbound, witness, shown.owned, signal);
    if (checkpoint === undefined || !checkpoint.signed) throw unproven(name, seen);
    const standing = await database.read((query) => shown.standingOf(query, checkpoint));
    if (standing === 'contained') throw unproven(name, seen);
    const { size, note } = checkpoint;
    logger.error(
      { witness: name, log: shown.log, note },
      'a witness shows what this log signed and does not have',
    );
    this.#become({ state: standing === 'beyond' ? 'ahead' : 'contradicted', size });
  }

  async #proof(query: Query, oldSize: number, newSize: number): Promise<readonly Uint8Array[]> {
    if (oldSize === 0 || oldSize === newSize) return [];
    return this.#deps.shown.consistencyProof(query, oldSize, newSize);
  }

  /** Only what verifies under the configured key is stored; lines of other keys are passed over. */
  async #keep(
    { size, note }: { size: number; note: string },
    signatures: Parameters<typeof checkCosignatures>[2],
  ): Promise<void> {
    const { database, shown, witness, clock, onCosigned, onTime } = this.#deps;
    const { key } = witness;
    const cosigners = [{ key, kind: 'witness' as const }];
    const { text } = parseNote(note);
    const hear = (_: unknown, time: number) => onTime?.(key.name, time);
    const checked = await checkCosignatures(cosigners, text, signatures, seconds(clock), hear);
    const [cosignature] = checked.sort((one, other) => other.time - one.time);
    if (cosignature === undefined) {
      throw new CountersignError('note_signature', `${key.name} answered without a signature of its key.`);
    }
    await database.transaction(async (tx) => {
      await storeCosignature(tx, shown.log, size, cosignature);
      await saveSizeAtWitness(tx, shown.log, key, size);
    });
    this.#become({ state: 'cosigning', size, cosigned: cosignature.time });
    onCosigned();
  }

  #failed(error: CountersignError, log: LogName): void {
    const { logger, witness } = this.#deps;
    const { code } = error;
    if (this.#state.state !== 'failing' || this.#state.error !== code) {
      logger.warn({ err: error, witness: witness.key.name, log }, 'a witness does not cosign');
    }
    this.#become({ state: 'failing', error: code });
  }

  #become(news: Partial<WitnessState> & Pick<WitnessState, 'state'>): void {
    const before = this.#state;
    this.#state = { ...before, error: null, ...news };
    const { clock, onChange } = this.#deps;
    this.#failures = news.state === 'cosigning' ? 0 : this.#failures + 1;
    const pause = WITNESS_RETRY_MS * 2 ** Math.min(this.#failures - 1, 16);
    this.#notBefore =
      this.#failures === 0
        ? Number.NEGATIVE_INFINITY
        : elapsed(clock) + Math.min(pause, WITNESS_RETRY_MAX_MS);
    if (before.state !== news.state) onChange(this.#state, before);
  }
}

/** Not the witness's fault: for the loop to log, as every failure of our own. */
function isOurs({ code }: CountersignError): boolean {
  return ['storage_busy', 'storage_full', 'unavailable', 'state_refused', 'internal'].includes(code);
}
