import { Worker } from 'node:worker_threads';
import { createTransforms, type TransformPoolOptions } from '../../bridge/transforms/transform-pool.ts';
import type { TransformJob, Transforms } from '../../bridge/transforms/transforms.ts';

/**
 * A thread that answers a job with its own bytes, but only when it is let; `crash` ends it, `free` lets
 * it go on by itself.
 */
const HELD = `
  const { parentPort } = require('node:worker_threads');
  const held = [];
  let let_go = 0;
  const answer = () => {
    while (let_go > 0 && held.length > 0) {
      let_go -= 1;
      const { id, encrypted } = held.shift();
      parentPort.postMessage({ id, output: encrypted });
    }
  };
  parentPort.on('message', (message) => {
    if (message === 'crash') process.exit(1);
    if (message === 'free') let_go = Infinity;
    else if (message === 'go') let_go += 1;
    else held.push(message);
    answer();
  });
`;

/** A pool whose threads do what the test says, and which of its jobs ended in which order. */
export interface HeldPool {
  readonly pool: Transforms;
  readonly threads: readonly Worker[];
  /** Names of the jobs that were answered, in that order. */
  readonly done: readonly string[];
  /** Gives the pool a job of this name. */
  add(name: string, job?: Partial<TransformJob>): Promise<Uint8Array>;
  /** Lets the newest thread answer so many jobs, and waits for them. */
  finish(jobs: number): Promise<void>;
}

export function heldPool(options: Partial<TransformPoolOptions> = {}): HeldPool {
  const threads: Worker[] = [];
  const done: string[] = [];
  let waiting: (() => void) | undefined;
  const pool = createTransforms({
    ...{ workers: 1, queue: 100, engine: 'wasm' },
    startWorker: () => {
      const thread = new Worker(HELD, { eval: true });
      threads.push(thread);
      return thread;
    },
    ...options,
  });
  return {
    pool,
    threads,
    done,
    add(name, job = {}) {
      const running = pool.run({
        ...{ encrypted: new TextEncoder().encode(name), keys: [], maxBlocks: 0 },
        ...{ priority: 'join', turn: ['company', name[0] ?? '', 'person'] },
        ...job,
      });
      running.then(
        (output) => {
          done.push(new TextDecoder().decode(output));
          waiting?.();
        },
        () => {},
      );
      return running;
    },
    async finish(jobs) {
      const until = done.length + jobs;
      const reached = new Promise<void>((resolve) => {
        waiting = () => {
          if (done.length >= until) resolve();
        };
        waiting();
      });
      for (let job = 0; job < jobs; job += 1) threads.at(-1)?.postMessage('go');
      await reached;
    },
  };
}
