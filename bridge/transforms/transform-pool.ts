import type { Worker } from 'node:worker_threads';
import { CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import {
  JOINS_BEFORE_ASSET,
  TRANSFORM_WORKERS_IDLE_MS,
  TRANSFORMS_DRAIN_MS,
  TRANSFORMS_RETRY_MAX_S,
} from '../lib/limits.ts';
import { startThread } from '../lib/start-thread.ts';
import { FairLine } from './fair-line.ts';
import type { TransformWork } from './perform-transform.ts';
import type { TransformJob, TransformObserver, TransformPriority, Transforms } from './transforms.ts';

export interface TransformPoolOptions {
  /** Threads at most. They begin when they are needed, and end when they have not been for a while. */
  readonly workers: number;
  /** Jobs that wait at most, of each priority. */
  readonly queue: number;
  /** The engine that each thread loads for itself. */
  readonly engine: TransformEngine['name'];
  readonly observer?: TransformObserver | undefined;
  /** Default: transform-worker. */
  readonly startWorker?: (settings: ThreadSettings) => Worker;
}

export interface ThreadSettings {
  readonly prefer: TransformEngine['name'];
}

export interface ThreadJob extends TransformWork {
  readonly id: number;
}

export interface ThreadAnswer {
  readonly id: number;
  readonly output?: Uint8Array<ArrayBuffer>;
  readonly fault?: { readonly code: ErrorCode; readonly detail: string | undefined; readonly cause: unknown };
}

/** Worker threads behind a bounded queue: joins before assets, and each in turns. */
export function createTransforms(options: TransformPoolOptions): Transforms {
  return new TransformPool(options);
}

interface Pending {
  readonly id: number;
  readonly job: TransformJob;
  /** ms, of when it came and of when a thread was given it. */
  readonly came: number;
  given: number;
  settle(outcome: Uint8Array | CountersignError): void;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Pending>;
}

/** One at work, and one waiting so that the thread does not pause for the next message. */
const JOBS_OF_A_THREAD = 2;

/** How long a job takes before any was seen, ms: it only says when to come again. */
const WORK_GUESS_MS = 15;
const PRIORITIES = ['join', 'asset'] as const;

class TransformPool implements Transforms {
  readonly #options: TransformPoolOptions;
  readonly #waiting = { join: new FairLine<Pending>(), asset: new FairLine<Pending>() };
  readonly #threads = new Set<Thread>();
  #ids = 0;
  #joinsInARow = 0;
  #workMs = WORK_GUESS_MS;
  #idle: NodeJS.Timeout | undefined;
  #stopped = false;
  #drained: (() => void) | undefined;

  constructor(options: TransformPoolOptions) {
    this.#options = options;
  }

  run(job: TransformJob): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { signal } = job;
      const onAbort = () => this.#abort(pending);
      let isSettled = false;
      this.#ids += 1;
      const pending: Pending = {
        ...{ id: this.#ids, job, came: performance.now(), given: 0 },
        settle: (outcome) => {
          if (isSettled) return;
          isSettled = true;
          signal?.removeEventListener('abort', onAbort);
          if (!isCountersignError(outcome)) return resolve(outcome);
          wipe(job);
          this.#options.observer?.failed(job.priority, outcome.code);
          reject(outcome);
        },
      };
      if (this.#stopped) return pending.settle(stopped());
      if (signal?.aborted === true) return pending.settle(aborted());
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#admit(pending);
      this.#assign();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#idle);
    if (this.#isBusy()) {
      await new Promise<void>((resolve) => {
        const tooLong = setTimeout(resolve, TRANSFORMS_DRAIN_MS);
        this.#drained = () => {
          clearTimeout(tooLong);
          resolve();
        };
      });
    }
    for (const priority of PRIORITIES) {
      for (const { settle } of this.#waiting[priority].clear()) settle(stopped());
    }
    await this.#endThreads();
  }

  /** Into the queue. Where it is full, whoever has the most in it makes room, so that one cannot keep others out. */
  #admit(pending: Pending): void {
    const { priority, turn } = pending.job;
    const line = this.#waiting[priority];
    if (line.size >= this.#options.queue) {
      const displaced = line.displaceFor(turn);
      (displaced ?? pending).settle(this.#overloaded(line.size));
      if (displaced === undefined) return;
    }
    line.add(turn, pending);
    this.#observeWaiting(priority);
  }

  #overloaded(waiting: number): CountersignError {
    const seconds = Math.ceil((waiting * this.#workMs) / this.#options.workers / 1000);
    const retryAfter = Math.min(Math.max(1, seconds), TRANSFORMS_RETRY_MAX_S);
    return new CountersignError('overloaded', undefined, { retryAfter });
  }

  #abort(pending: Pending): void {
    const { priority, turn } = pending.job;
    this.#waiting[priority].remove(turn, pending);
    this.#observeWaiting(priority);
    pending.settle(aborted());
  }

  #assign(): void {
    clearTimeout(this.#idle);
    while (this.#waiting.join.size + this.#waiting.asset.size > 0) {
      const thread = this.#freeThread();
      if (thread === undefined) return;
      const pending = this.#next();
      if (pending === undefined) return;
      this.#give(thread, pending);
    }
    if (this.#isBusy()) return;
    this.#drained?.();
    if (!this.#stopped) this.#idle = setTimeout(() => this.#endThreads(), TRANSFORM_WORKERS_IDLE_MS).unref();
  }

  #next(): Pending | undefined {
    const { join, asset } = this.#waiting;
    const assetsTurn = asset.size > 0 && (join.size === 0 || this.#joinsInARow >= JOINS_BEFORE_ASSET);
    const priority = assetsTurn ? 'asset' : 'join';
    this.#joinsInARow = assetsTurn ? 0 : this.#joinsInARow + 1;
    const pending = this.#waiting[priority].take();
    this.#observeWaiting(priority);
    return pending;
  }

  /** The keys move into the thread: no copy of them stays here. */
  #give(thread: Thread, pending: Pending): void {
    const { encrypted, box, keys, maxBlocks, exactBlocks } = pending.job;
    const moved = { encrypted: Uint8Array.from(encrypted), keys: keys.map((key) => Uint8Array.from(key)) };
    wipe(pending.job);
    pending.given = performance.now();
    thread.jobs.set(pending.id, pending);
    const message: ThreadJob = {
      ...{ id: pending.id, ...moved, maxBlocks },
      ...(box === undefined ? {} : { box }),
      ...(exactBlocks === undefined ? {} : { exactBlocks }),
    };
    thread.worker.postMessage(message, [moved.encrypted.buffer, ...moved.keys.map(({ buffer }) => buffer)]);
  }

  /** The one with the least to do; a new one before a second job for an old one. */
  #freeThread(): Thread | undefined {
    const [least] = [...this.#threads].sort((a, b) => a.jobs.size - b.jobs.size);
    if (least?.jobs.size === 0) return least;
    if (this.#threads.size < this.#options.workers) return this.#start();
    return least !== undefined && least.jobs.size < JOBS_OF_A_THREAD ? least : undefined;
  }

  #start(): Thread {
    const worker = (this.#options.startWorker ?? startWorker)({ prefer: this.#options.engine });
    const thread: Thread = { worker, jobs: new Map() };
    this.#threads.add(thread);
    worker.unref();
    worker.on('message', (answer: ThreadAnswer) => this.#take(thread, answer));
    worker.on('error', (error) => this.#fail(thread, error));
    worker.on('exit', () => this.#fail(thread));
    return thread;
  }

  #take(thread: Thread, { id, output, fault }: ThreadAnswer): void {
    const pending = thread.jobs.get(id);
    thread.jobs.delete(id);
    if (pending !== undefined) {
      const now = performance.now();
      const worked = now - pending.given;
      this.#workMs += (Math.min(worked, 1000) / JOBS_OF_A_THREAD - this.#workMs) / 16;
      if (output === undefined) {
        pending.settle(
          new CountersignError(fault?.code ?? 'internal', fault?.detail, { cause: fault?.cause }),
        );
      } else {
        const waited = pending.given - pending.came;
        this.#options.observer?.finished(pending.job.priority, {
          waited: waited / 1000,
          worked: worked / 1000,
        });
        pending.settle(output);
      }
    }
    this.#assign();
  }

  /** What the thread had is lost; what still waits gets another thread. */
  #fail(thread: Thread, cause?: unknown): void {
    if (!this.#threads.delete(thread)) return;
    const lost = [...thread.jobs.values()];
    thread.jobs.clear();
    for (const { settle } of lost) {
      settle(new CountersignError('unavailable', 'A transform was not finished.', { cause }));
    }
    this.#assign();
  }

  #isBusy(): boolean {
    return (
      this.#waiting.join.size + this.#waiting.asset.size > 0 ||
      [...this.#threads].some(({ jobs }) => jobs.size > 0)
    );
  }

  async #endThreads(): Promise<void> {
    const threads = [...this.#threads];
    this.#threads.clear();
    await Promise.all(
      threads.map(async ({ worker, jobs }) => {
        for (const { settle } of jobs.values()) settle(stopped());
        await worker.terminate();
      }),
    );
  }

  #observeWaiting(priority: TransformPriority): void {
    this.#options.observer?.waiting(priority, this.#waiting[priority].size);
  }
}

function startWorker(settings: ThreadSettings): Worker {
  return startThread(import.meta.url, 'transform-worker', { workerData: settings });
}

function wipe({ keys }: TransformJob): void {
  for (const key of keys) key.fill(0);
}

function stopped(): CountersignError {
  return new CountersignError('unavailable', 'The bridge stops.');
}

function aborted(): CountersignError {
  return new CountersignError('aborted');
}
