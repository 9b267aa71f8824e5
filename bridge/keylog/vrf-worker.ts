import { parentPort, workerData } from 'node:worker_threads';
import { vrfKeyPair, vrfProve } from '../../protocol/keytrans/vrf-prove.ts';
import type { ProvedJob, ProvingJob } from './vrf-pool.ts';

/** A thread that proves, one input after the other. What fails ends it, and the pool fails what it was given. */
const seed: Uint8Array = workerData;
const secret = vrfKeyPair(seed);
seed.fill(0);

parentPort?.on('message', ({ id, input }: ProvingJob) => {
  const proved: ProvedJob = { id, ...vrfProve(secret, input) };
  parentPort?.postMessage(proved);
});
