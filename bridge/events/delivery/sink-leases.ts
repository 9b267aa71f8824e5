import { type Loop, startLoop } from '../../lib/background.ts';
import { newId } from '../../lib/ids.ts';
import { SINK_LEASE_MS } from '../../lib/limits.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Database } from '../../storage/database.ts';
import {
  beatStates,
  findState,
  firstKept,
  insertState,
  releaseState,
  type SinkState,
  takeState,
} from './sink-states.ts';

/** The right to deliver to one sink. */
export interface SinkLease {
  readonly holder: string;
  /** As it was when the lease was taken. */
  readonly state: SinkState;
  /** Aborted when another process may have taken the sink. */
  readonly lost: AbortSignal;
  /** Gives it back, so that others need not wait. It never rejects. */
  release(): Promise<void>;
}

/** Which sinks this process delivers to: of several on one store, one at a time, so that their batches do not mix. */
export interface SinkLeases {
  /** `undefined` while another process has it, and where it was removed. */
  take(sink: string): Promise<SinkLease | undefined>;
  /** Shows that this process is there; `start` has it done, often enough. */
  beat(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** How time passes, in milliseconds: by a clock of the process that nobody sets. */
export interface LeaseTime {
  now(): number;
  /** Calls after so long; answers what takes that back. */
  after(ms: number, call: () => void): () => void;
}

const PROCESS_TIME: LeaseTime = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  },
};

interface Held {
  readonly losing: AbortController;
  readonly beaten: number;
  /** Of a timer of its own: a beat that hangs in the store must not hold it up. */
  readonly stopTimer: () => void;
}

/**
 * Leases that do not depend on clocks that agree: a holder counts `beat` up, and who wants its sink waits until that
 * has not moved for `lifeMs` by its own clock. The holder gives up a fifth of that before.
 */
export function createSinkLeases(deps: {
  readonly database: Pick<Database, 'read' | 'transaction'>;
  readonly logger: Logger;
  /** Ids of the sinks that begin when they are taken first; to all others a state belongs, or they were removed. */
  readonly builtin: readonly string[];
  readonly lifeMs?: number;
  /** For tests. */
  readonly time?: LeaseTime;
}): SinkLeases {
  const { database, logger, builtin, lifeMs = SINK_LEASE_MS, time = PROCESS_TIME } = deps;
  const holder = newId();
  const held = new Map<string, Held>();
  const seen = new Map<string, { readonly mark: string; readonly since: number }>();
  let beating: Loop | undefined;

  function hold(sink: string, losing: AbortController, beaten: number): void {
    held.get(sink)?.stopTimer();
    const stopTimer = time.after(beaten + 0.8 * lifeMs - time.now(), () => lose(sink));
    held.set(sink, { losing, beaten, stopTimer });
  }

  function letGo(sink: string): void {
    held.get(sink)?.stopTimer();
    held.delete(sink);
  }

  function lose(sink: string): void {
    held.get(sink)?.losing.abort(new Error('another process may deliver to this sink now'));
    letGo(sink);
  }

  async function beat(): Promise<void> {
    if (held.size === 0) return;
    const now = time.now();
    const ours = new Set(await database.transaction((tx) => beatStates(tx, holder)));
    // taken since: it says nothing about these
    const before = [...held].filter(([, { beaten }]) => beaten < now);
    for (const [sink, { losing }] of before) {
      if (ours.has(sink)) hold(sink, losing, now);
      else lose(sink);
    }
  }

  /** Whether the sink is free, or its holder has not moved for long enough. */
  function mayTake({ sink, holder: other, beat: at }: SinkState): boolean {
    if (other === null || other === holder) return true;
    const mark = `${other} ${at}`;
    const known = seen.get(sink);
    if (known?.mark !== mark) seen.set(sink, { mark, since: time.now() });
    return known?.mark === mark && time.now() - known.since >= lifeMs;
  }

  async function stateOf(sink: string): Promise<SinkState | undefined> {
    const found = await database.read((query) => findState(query, sink));
    if (found !== undefined || !builtin.includes(sink)) return found;
    await database.transaction(async (tx) => insertState(tx, sink, await firstKept(tx)));
    return database.read((query) => findState(query, sink));
  }

  return {
    async take(sink) {
      const found = await stateOf(sink);
      if (found === undefined || !mayTake(found)) return undefined;
      const beaten = time.now();
      const state = await database.transaction((tx) => takeState(tx, found, holder));
      if (state === undefined) return undefined;
      const losing = new AbortController();
      hold(sink, losing, beaten);
      return {
        ...{ holder, state, lost: losing.signal },
        async release() {
          letGo(sink);
          try {
            await database.transaction((tx) => releaseState(tx, sink, holder));
          } catch (err) {
            logger.warn({ err, sink }, 'a sink was not given back; another process takes it after a while');
          }
        },
      };
    },
    beat,
    start() {
      beating ??= startLoop('sink-leases', lifeMs / 4, beat, { logger });
    },
    async stop() {
      await beating?.stop();
      beating = undefined;
    },
  };
}
