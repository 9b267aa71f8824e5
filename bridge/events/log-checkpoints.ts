import { encodeBase64url } from '../../protocol/base64url.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { eventLogOrigin } from '../../protocol/tlog/checkpoint.ts';
import { rootNodes } from '../../protocol/tlog/merkle-proof.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import type { Clock } from '../lib/clock.ts';
import {
  EVENT_CHECKPOINT_EVENTS,
  EVENT_CHECKPOINT_LOOK_MS,
  EVENT_CHECKPOINT_MS,
  EVENT_TREE_BATCH,
} from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import { insertCheckpoint, newestCheckpoint } from '../tlog/checkpoint-store.ts';
import { type Checkpoints, createCheckpoints } from '../tlog/checkpoints.ts';
import { moveHead } from '../tlog/log-heads.ts';
import { readNodeHashes } from '../tlog/log-tree.ts';
import type { SequencedEventLog } from './database-event-log.ts';
import type { EventInputOf } from './event.ts';
import { newestSeq } from './event-store.ts';
import { EVENT_TREE, eventTreeHead, growEventTree } from './log-tree.ts';

export interface EventCheckpointsDeps {
  readonly database: Database;
  readonly events: Pick<SequencedEventLog, 'page' | 'record' | 'onPublished'>;
  readonly signer: Pick<Signer, 'iss' | 'currentKey' | 'signNote'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Throws while it is in doubt whether the store is the newest: nothing is signed then. */
  readonly assertTrusted?: (() => Promise<void>) | undefined;
}

/**
 * Signs what the event log is: once a minute while anything comes in, and after every 10,000 events; a backlog too is
 * cut so. The first comes a minute after the start, so that a bridge that is only tried out says nothing of itself. Each
 * is told to the sinks by an event, which makes it known outside the bridge.
 */
export interface EventCheckpoints {
  readonly signed: Checkpoints;
  start(): void;
  stop(): Promise<void>;
  /**
   * Signs what there is now, unless only checkpoints were reported since the last one; answers whether it did. What
   * another replica does at the same time is left to it.
   */
  checkpoint(): Promise<boolean>;
}

export function createEventCheckpoints(deps: EventCheckpointsDeps): EventCheckpoints {
  return new SignedEventLog(deps);
}

class SignedEventLog implements EventCheckpoints {
  readonly signed: Checkpoints;
  readonly #deps: EventCheckpointsDeps;
  #loop: Loop | undefined;
  /** Events that this process gave a place since it looked last. */
  #placed = 0;
  /** Size of the newest checkpoint at the last look. */
  #seen: number | undefined;
  /** By the process's own clock: one that was put back must not hold checkpoints up. */
  #due = 0;

  constructor(deps: EventCheckpointsDeps) {
    const { database, logger, signer, assertTrusted } = deps;
    this.#deps = deps;
    this.signed = createCheckpoints({
      ...{ log: EVENT_TREE, origin: eventLogOrigin(signer.iss), purpose: 'events' },
      ...{ database, logger, signer, assertTrusted },
    });
    deps.events.onPublished((events) => this.#count(events.length));
  }

  start(): void {
    this.#loop ??= startLoop(
      'checkpoint-events',
      EVENT_CHECKPOINT_LOOK_MS,
      (stop) => this.#look(stop),
      this.#deps,
    );
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
    this.#loop = undefined;
  }

  async checkpoint(stop?: AbortSignal): Promise<boolean> {
    const { database } = this.#deps;
    const size = await database.read(newestSeq);
    let covered = await this.#covered();
    if (!(await this.#isNews(size, covered))) return false;
    let signed = false;
    while (covered < size && (await this.#sign(Math.min(size, covered + EVENT_CHECKPOINT_EVENTS)))) {
      signed = true;
      // the rest of a backlog has time until the next start, and a stop has not
      if (stop?.aborted) break;
      covered = await this.#covered();
    }
    return signed;
  }

  /** The events up to this `seq`. Answers false where another replica does so at the same time. */
  async #sign(seq: number): Promise<boolean> {
    const { database, events } = this.#deps;
    try {
      if (!(await growEventTree(database, seq)) || !(await this.#insert())) return false;
    } catch (error) {
      if (isCountersignError(error, 'conflict')) return false;
      throw error;
    }
    await this.signed.publish();
    const event = await this.#describe();
    if (event !== undefined) await events.record(event);
    return true;
  }

  /** Events that the newest checkpoint covers. */
  async #covered(): Promise<number> {
    const newest = await this.#deps.database.read((query) => newestCheckpoint(query, EVENT_TREE));
    return newest?.size ?? 0;
  }

  #count(events: number): void {
    this.#placed += events;
    if (this.#placed >= EVENT_TREE_BATCH) this.#loop?.wake();
  }

  async #look(stop: AbortSignal): Promise<void> {
    this.#placed = 0;
    const { database } = this.#deps;
    const { size, newest } = await database.read(async (query) => ({
      size: await newestSeq(query),
      newest: (await newestCheckpoint(query, EVENT_TREE))?.size ?? 0,
    }));
    if (newest !== this.#seen) {
      this.#seen = newest;
      this.#due = performance.now() + EVENT_CHECKPOINT_MS;
    }
    if (performance.now() < this.#due && size - newest < EVENT_CHECKPOINT_EVENTS) {
      await this.#growAhead(size, newest);
      return;
    }
    this.#due = performance.now() + EVENT_CHECKPOINT_MS;
    // Another replica may have taken events into the tree at the same time, and not be about to sign.
    if (!(await this.checkpoint(stop))) this.#due = performance.now();
  }

  /** Under load all that a checkpoint covers would hold up everybody else for as long as it takes: so a part at a time. */
  async #growAhead(size: number, newest: number): Promise<void> {
    const whole = size - (size % EVENT_TREE_BATCH);
    if (whole <= newest) return;
    try {
      await growEventTree(this.#deps.database, whole);
    } catch (error) {
      // Another replica does so at the same time.
      if (!isCountersignError(error, 'conflict')) throw error;
    }
  }

  /** A checkpoint is reported by an event, which alone must not bring about the next one. */
  async #isNews(size: number, covered: number): Promise<boolean> {
    if (size - covered > SAID_OF_ONE) return true;
    const since = await this.#deps.events.page({ since: covered, limit: SAID_OF_ONE });
    return since.some(({ type }) => type !== 'log.checkpointed');
  }

  /** Whether there was none of this head yet. Who moves the head, even to where it is, does so alone. */
  async #insert(): Promise<boolean> {
    const { database, clock } = this.#deps;
    const head = await database.read(eventTreeHead);
    return database.transaction(async (tx) => {
      await moveHead(tx, EVENT_TREE, head, head);
      const newest = await newestCheckpoint(tx, EVENT_TREE);
      if (newest !== undefined && newest.size >= head.size) return false;
      const { size, hash: root } = head;
      const epoch = (newest?.epoch ?? 0) + 1;
      await insertCheckpoint(tx, { log: EVENT_TREE, size, root, epoch, time_ms: clock.now() });
      return true;
    });
  }

  async #describe(): Promise<EventInputOf<'log.checkpointed'> | undefined> {
    return this.#deps.database.read(async (query) => {
      const newest = await this.signed.newest(query);
      if (newest === undefined) return undefined;
      const nodes = rootNodes(newest.size);
      const hashes = nodes.map(await readNodeHashes(query, EVENT_TREE, nodes));
      return {
        ...{ type: 'log.checkpointed', actor: SYSTEM.actor, outcome: 'success' },
        data: {
          size: newest.size,
          checkpoint: this.signed.noteOf(newest),
          subtrees: hashes.map(encodeBase64url),
        },
      };
    });
  }
}

/** More events behind a checkpoint than could be about it alone. */
const SAID_OF_ONE = 2;
