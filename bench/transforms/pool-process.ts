import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { performTransform } from '../../bridge/transforms/perform-transform.ts';
import { createTransforms } from '../../bridge/transforms/transform-pool.ts';
import type { TransformJob, Transforms } from '../../bridge/transforms/transforms.ts';
import { encodeEncryptedValue, encodeTransformKey } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { answerParent } from '../processes/child.ts';

/** The pool in a process of its own, which does nothing else: what it does is what transforms cost. */
export interface PoolRound {
  readonly transformsPerSecond: number;
  /** Of this process's event loop while the pool had all that it can do, ms. */
  readonly lagP50: number;
  readonly lagP99: number;
  readonly lagMax: number;
}

/** The histogram counts from one tick of its own timer to the next: so much of each is no lag. */
const TIMER_MS = 1;
/** Jobs that are kept waiting, so that no thread is ever without one. */
const WAITING = 16;

let engine: TransformEngine;
let pool: Transforms;
let job: Pick<TransformJob, 'encrypted' | 'keys' | 'maxBlocks'>;

const handlers = {
  async begin() {
    engine = await loadTransformEngine();
    pool = createTransforms({ workers: availableParallelism(), queue: 1_000, engine: engine.name });
    const [group, user] = [engine.generateKeyPair(), engine.generateKeyPair()];
    const signing = engine.generateSigningKeyPair().privateKey;
    const key = engine.generateTransformKey(group.privateKey, user.publicKey, signing);
    const value = engine.encrypt(engine.generatePlaintext(), group.publicKey, signing);
    job = { encrypted: encodeEncryptedValue(value), keys: [encodeTransformKey(key)], maxBlocks: 0 };
    await Promise.all(Array.from({ length: 2 * availableParallelism() }, runOne));
    return { workers: availableParallelism(), engine: `${engine.name} ${engine.version}` };
  },

  /** The engine's own rate on one thread, with nothing around it. */
  alone(ms: number): number {
    const begun = performance.now();
    let done = 0;
    while (performance.now() - begun < ms) {
      performTransform(engine, { ...job, keys: job.keys.map((key) => Uint8Array.from(key)) });
      done += 1;
    }
    return (done * 1000) / (performance.now() - begun);
  },

  async pool(ms: number): Promise<PoolRound> {
    const lag = monitorEventLoopDelay({ resolution: TIMER_MS });
    const end = performance.now() + ms;
    let done = 0;
    const begun = performance.now();
    lag.enable();
    const feed = async () => {
      while (performance.now() < end) {
        await runOne();
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: WAITING }, feed));
    lag.disable();
    const seconds = (performance.now() - begun) / 1000;
    const ms99 = (p: number) => Math.max(0, lag.percentile(p) / 1e6 - TIMER_MS);
    return {
      transformsPerSecond: done / seconds,
      ...{ lagP50: ms99(50), lagP99: ms99(99), lagMax: Math.max(0, lag.max / 1e6 - TIMER_MS) },
    };
  },
};
export type PoolProcess = typeof handlers;

function runOne(): Promise<Uint8Array> {
  const keys = job.keys.map((key) => Uint8Array.from(key));
  return pool.run({ ...job, keys, priority: 'join', turn: ['a company', 'a meeting', 'a person'] });
}

answerParent(handlers, () => pool.stop());
