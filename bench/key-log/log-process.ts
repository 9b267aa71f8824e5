import { randomBytes } from 'node:crypto';
import { loadConfig } from '../../bridge/config/index.ts';
import { createVrfPool, type VrfProver } from '../../bridge/keylog/vrf-pool.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createClosing } from '../../bridge/lib/closing.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type Foundation, openFoundation } from '../../bridge/main/open-foundation.ts';
import { label, vrfInput } from '../../protocol/keytrans/label.ts';
import { vrfKeyPair, vrfProve } from '../../protocol/keytrans/vrf-prove.ts';
import { DOMAIN } from '../company/domain.ts';
import { answerParent } from '../processes/child.ts';
import { cpuMs } from '../processes/cpu.ts';

/** The key log as a bridge opens it, with store, signer and witnesses, and without the bridge's HTTP. */
const logger = createLogger({ level: 'error' });
const closing = createClosing(logger);
let foundation: Foundation | undefined;
let added = 0;

/** About as long as a statement with its signatures. */
const VALUE_BYTES = 800;

export interface Additions {
  readonly count: number;
  /** Each has one addition under way at a time. */
  readonly concurrency: number;
}

export interface AdditionsResult {
  readonly perSecond: number;
  /** Milliseconds, of each addition. */
  readonly latencies: Float64Array;
  /** CPU time of the process, its threads included, milliseconds an addition. */
  readonly cpuMs: number;
}

/** The prices of proofs, measured alone. */
export interface Prices {
  /** Milliseconds of one, in one thread. */
  readonly proveMs: number;
  /** Proofs a second of as many threads as there are. */
  readonly pooledPerSecond: number;
}

const handlers = {
  open: async (configPath: string) => {
    const config = loadConfig({ path: configPath, env: {} });
    foundation = await openFoundation(config, { clock: systemClock, logger }, closing);
  },
  add,
  prices,
};
export type LogProcess = typeof handlers;

/** First versions of new addresses: staged in a transaction, and waited for until they are published and cosigned. */
async function add({ count, concurrency }: Additions): Promise<AdditionsResult> {
  const { keyLog } = open();
  const latencies: number[] = [];
  const until = added + count;
  const cpuBefore = cpuMs();
  const started = performance.now();
  async function addInTurn(): Promise<void> {
    while (added < until) {
      const name = `new-${added++}@${DOMAIN}`;
      const began = performance.now();
      await stage(name, 0);
      await keyLog.published('address', name, 0);
      latencies.push(performance.now() - began);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, addInTurn));
  return {
    perSecond: count / ((performance.now() - started) / 1000),
    latencies: Float64Array.from(latencies),
    cpuMs: (cpuMs() - cpuBefore) / count,
  };
}

function stage(name: string, version: number): Promise<void> {
  const { database, keyLog } = open();
  const value = new Uint8Array(randomBytes(VALUE_BYTES));
  return database.transaction((tx) => keyLog.stage(tx, { kind: 'address', name, version, value }));
}

const seed = new Uint8Array(randomBytes(32));
const secret = vrfKeyPair(seed);
let pool: VrfProver | undefined;

async function prices({ proofs, workers }: { proofs: number; workers: number }): Promise<Prices> {
  const inputs = Array.from({ length: proofs }, (_, index) =>
    vrfInput(label('address', `price-${index}-${performance.now()}@${DOMAIN}`), 0),
  );
  const started = performance.now();
  for (const input of inputs) vrfProve(secret, input);
  const alone = performance.now();
  pool ??= createVrfPool({ seed, workers });
  const prover = pool;
  await Promise.all(inputs.slice(0, workers).map((input) => prover.prove(input)));
  const ready = performance.now();
  await Promise.all(inputs.map((input) => prover.prove(input)));
  return {
    proveMs: (alone - started) / proofs,
    pooledPerSecond: proofs / ((performance.now() - ready) / 1000),
  };
}

function open(): Foundation {
  if (foundation === undefined) throw new Error('the log is not open');
  return foundation;
}

answerParent(handlers, async () => {
  await pool?.close();
  await closing.close();
});
