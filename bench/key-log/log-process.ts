import { randomBytes } from 'node:crypto';
import { loadConfig } from '../../bridge/config/index.ts';
import { createVrfPool, type VrfProver } from '../../bridge/keylog/vrf-pool.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createClosing } from '../../bridge/lib/closing.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { composeServices } from '../../bridge/main/compose-services.ts';
import { type Foundation, openFoundation } from '../../bridge/main/open-foundation.ts';
import type { Credential } from '../../protocol/credential.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { label, vrfInput } from '../../protocol/keytrans/label.ts';
import type { LogClaim } from '../../protocol/keytrans/log-proof.ts';
import { vrfKeyPair, vrfProve } from '../../protocol/keytrans/vrf-prove.ts';
import { onlineKeysSchema } from '../../protocol/online-keys.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { DOMAIN } from '../company/domain.ts';
import { answerParent } from '../processes/child.ts';
import { cpuMs } from '../processes/cpu.ts';

/** The key log as a bridge opens it, with store, signer and witnesses, and without the bridge's HTTP. */
const logger = createLogger({ level: 'error' });
const closing = createClosing(logger);
let opened = '';
let foundation: Foundation | undefined;
let services: ReturnType<typeof composeServices> | undefined;
let added = 0;

const readConfig = (path: string) => loadConfig({ path, env: {} });

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
    opened = configPath;
    foundation = await openFoundation(readConfig(configPath), { clock: systemClock, logger }, closing);
  },
  add,
  prices,
  claim,
  /** What a look-up would answer, without the attributes. */
  credential: async (address: string): Promise<Credential> => {
    services ??= composeServices(open(), readConfig(opened));
    const { credentials } = await services;
    const answer = await credentials.forAddress(address);
    if (answer.status !== 'credential') throw new Error(`${address}: ${answer.status}`);
    return answer.credential;
  },
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
      await stage(name, 0, newValue());
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

/** Adds versions 0 to `version` of a new address; what a verifier must be shown of the last one, but for its trust. */
async function claim(version: number): Promise<Omit<LogClaim, 'trust' | 'now'>> {
  const { database, keyLog, signer } = open();
  const name = `version-${version}-${added++}@${DOMAIN}`;
  let value = newValue();
  for (let each = 0; each <= version; each += 1) {
    value = newValue();
    await stage(name, each, value);
    await keyLog.published('address', name, each);
  }
  const staple = await database.read((query) => keyLog.staple(query, 'address', name, version));
  if (staple === null) throw new Error(`there is no log proof of ${name}`);
  const { keys } = decodeClaims(signer.onlineKeysToken(), 'online-keys+jwt', onlineKeysSchema);
  const logKeys = keys.filter(({ purpose }) => purpose === 'log');
  return { staple, kind: 'address', name, version, value, origin: logOrigin(signer.iss), logKeys };
}

function stage(name: string, version: number, value: Uint8Array): Promise<void> {
  const { database, keyLog } = open();
  return database.transaction((tx) => keyLog.stage(tx, { kind: 'address', name, version, value }));
}

function newValue(): Uint8Array {
  return new Uint8Array(randomBytes(VALUE_BYTES));
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
