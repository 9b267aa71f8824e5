import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createVrfPool, type VrfPoolOptions, type VrfProver } from '../../bridge/keylog/vrf-pool.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { vrfOutput, vrfVerify } from '../../protocol/keytrans/vrf.ts';
import { vrfKeyPair, vrfProve } from '../../protocol/keytrans/vrf-prove.ts';

const seed = new Uint8Array(32).fill(7);
const inputs = Array.from({ length: 8 }, (_, index) => utf8(`input ${index}`));

let pools: VrfProver[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  pools = [];
});

function open(options: Partial<VrfPoolOptions> = {}): VrfProver {
  const pool = createVrfPool({ seed, workers: 2, ...options });
  pools.push(pool);
  return pool;
}

describe.each([
  ['two threads', 2],
  ['its own thread', 0],
])('the prover in %s', (_, workers) => {
  it('answers for each input the proof of that input', async () => {
    const pool = open({ workers });
    const proved = await Promise.all(inputs.map((input) => pool.prove(input)));
    const secret = vrfKeyPair(seed);
    for (const [index, input] of inputs.entries()) {
      expect(proved[index]).toEqual(vrfProve(secret, input));
      const beta = vrfVerify(secret.publicKey, input, proved[index]?.proof ?? new Uint8Array());
      expect(vrfOutput(beta)).toEqual(proved[index]?.output);
    }
  });

  it('answers `unavailable` when it is closed', async () => {
    const pool = open({ workers });
    await pool.close();
    await expect(pool.prove(utf8('x'))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a thread that ends', () => {
  /** Its first job is its last. */
  const dying = (data: Uint8Array<ArrayBuffer>) =>
    new Worker(`require('worker_threads').parentPort.on('message', () => process.exit(1))`, {
      workerData: data,
      eval: true,
    });

  it('fails what it was given with `unavailable`', async () => {
    const pool = open({ workers: 1, startWorker: dying });
    await expect(pool.prove(utf8('x'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is replaced for what comes after', async () => {
    let started = 0;
    const healthy = (data: Uint8Array<ArrayBuffer>) =>
      new Worker(
        `const { parentPort } = require('worker_threads');
         parentPort.on('message', ({ id }) => parentPort.postMessage({ id, output: 'o', proof: 'p' }))`,
        { workerData: data, eval: true },
      );
    const startWorker = (data: Uint8Array<ArrayBuffer>) => (started++ === 0 ? dying(data) : healthy(data));
    const pool = open({ workers: 1, startWorker });
    const many = Array.from({ length: 40 }, (_, index) => utf8(`one of many ${index}`));
    const jobs = await Promise.allSettled(many.map((input) => pool.prove(input)));
    const answered = jobs.filter(({ status }) => status === 'fulfilled');
    expect(started).toBe(2);
    expect(answered.length).toBeGreaterThanOrEqual(many.length - 16);
    expect(answered.length).toBeLessThan(many.length);
  });
});

describe('the secret', () => {
  it('does not stay with the caller of a thread that has begun', async () => {
    const given: Uint8Array[] = [];
    const pool = open({
      workers: 1,
      startWorker: (data) => {
        given.push(data);
        return new Worker('', { eval: true, workerData: data, transferList: [data.buffer] });
      },
    });
    await expect(pool.prove(utf8('x'))).rejects.toMatchObject({ code: 'unavailable' });
    expect(given.map((data) => data.length)).toEqual([0]);
  });
});
