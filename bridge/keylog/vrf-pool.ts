import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { CountersignError } from '../../protocol/errors.ts';
import { type VrfSecret, vrfKeyPair, vrfProve } from '../../protocol/keytrans/vrf-prove.ts';
import { VRF_WORKERS_IDLE_MS } from '../lib/limits.ts';
import { startThread } from '../lib/start-thread.ts';

export interface ProvingJob {
  readonly id: number;
  readonly input: Uint8Array;
}

/** Output 32 bytes, proof 80. */
export interface VrfProof {
  readonly output: Uint8Array;
  readonly proof: Uint8Array;
}

export type ProvedJob = VrfProof & Pick<ProvingJob, 'id'>;

/** Proves VRF outputs: some milliseconds of arithmetic each. */
export interface VrfProver {
  /** Rejects with `unavailable` when the thread at work ends, or the prover is closed. */
  prove(input: Uint8Array): Promise<VrfProof>;
  /** Ends the threads, fails what waits, and forgets the secret. */
  close(): Promise<void>;
}

export interface VrfPoolOptions {
  /** 32 bytes; copied. */
  readonly seed: Uint8Array;
  /** Threads at most; 0: prove in this one. They begin when they are needed, and end when they are not. */
  readonly workers: number;
  /** Runs a thread with these data. Default: vrf-worker. */
  readonly startWorker?: (seed: Uint8Array<ArrayBuffer>) => Worker;
}

export function createVrfPool(options: VrfPoolOptions): VrfProver {
  return options.workers === 0 ? new InThread(options.seed) : new VrfPool(options);
}

/** In turns with whatever else this thread has to do. */
class InThread implements VrfProver {
  #secret: VrfSecret | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(seed: Uint8Array) {
    this.#secret = vrfKeyPair(seed);
  }

  prove(input: Uint8Array): Promise<VrfProof> {
    const proving = this.#last.then(async () => {
      await nextTurn();
      if (this.#secret === undefined) throw closed();
      return vrfProve(this.#secret, input);
    });
    this.#last = proving.catch(() => {});
    return proving;
  }

  async close(): Promise<void> {
    this.#secret?.noncePrefix.fill(0);
    this.#secret = undefined;
    await this.#last;
  }
}

interface Waiting extends ProvingJob {
  resolve(proved: VrfProof): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Waiting>;
}

/**
 * One at work, and others waiting so that the thread does not pause: a burst of transactions on the embedded store holds
 * this one up for as long as some ten proofs take.
 */
const JOBS_OF_A_THREAD = 16;

class VrfPool implements VrfProver {
  readonly #options: VrfPoolOptions;
  readonly #seed: Uint8Array;
  readonly #threads = new Set<Thread>();
  #waiting: Waiting[] = [];
  #ids = 0;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: VrfPoolOptions) {
    this.#options = options;
    this.#seed = options.seed.slice();
  }

  prove(input: Uint8Array): Promise<VrfProof> {
    if (this.#closed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      this.#ids += 1;
      this.#waiting.push({ id: this.#ids, input, resolve, reject });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#seed.fill(0);
    clearTimeout(this.#idle);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const job of waiting) job.reject(closed());
    await this.#endThreads();
  }

  #assign(): void {
    clearTimeout(this.#idle);
    while (this.#waiting.length > 0) {
      const thread = this.#freeThread();
      if (thread === undefined) return;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      thread.jobs.set(job.id, job);
      thread.worker.postMessage({ id: job.id, input: job.input } satisfies ProvingJob);
    }
    this.#idle = setTimeout(() => void this.#endIdle(), VRF_WORKERS_IDLE_MS).unref();
  }

  /** The one with the least to do; a new one before a second job for an old one. */
  #freeThread(): Thread | undefined {
    const [least] = [...this.#threads].sort((a, b) => a.jobs.size - b.jobs.size);
    if (least?.jobs.size === 0) return least;
    if (this.#threads.size < this.#options.workers) return this.#start();
    return least !== undefined && least.jobs.size < JOBS_OF_A_THREAD ? least : undefined;
  }

  #start(): Thread {
    const worker = (this.#options.startWorker ?? startWorker)(this.#seed.slice());
    const thread: Thread = { worker, jobs: new Map() };
    this.#threads.add(thread);
    worker.unref();
    worker.on('message', ({ id, output, proof }: ProvedJob) => {
      const job = thread.jobs.get(id);
      thread.jobs.delete(id);
      job?.resolve({ output, proof });
      this.#assign();
    });
    worker.on('error', (error) => this.#fail(thread, error));
    worker.on('exit', () => this.#fail(thread));
    return thread;
  }

  /** What the thread had is lost; what still waits gets another thread. */
  #fail(thread: Thread, cause?: unknown): void {
    this.#threads.delete(thread);
    for (const job of thread.jobs.values()) {
      job.reject(new CountersignError('unavailable', 'A proof was not finished.', { cause }));
    }
    thread.jobs.clear();
    if (!this.#closed) this.#assign();
  }

  async #endIdle(): Promise<void> {
    if ([...this.#threads].every(({ jobs }) => jobs.size === 0)) await this.#endThreads();
  }

  async #endThreads(): Promise<void> {
    const threads = [...this.#threads];
    this.#threads.clear();
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
}

/** The seed moves into the thread: no copy of it stays here. */
function startWorker(seed: Uint8Array<ArrayBuffer>): Worker {
  return startThread(import.meta.url, 'vrf-worker', { workerData: seed, transferList: [seed.buffer] });
}

function closed(): CountersignError {
  return new CountersignError('unavailable', 'The key log is closed.');
}
