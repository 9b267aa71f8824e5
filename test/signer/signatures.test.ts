import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { READY, type SignatureBatch } from '../../bridge/signer/signature-batch.ts';
import {
  createSignatures,
  type SignatureOptions,
  type Signatures,
  startSignatureWorker,
} from '../../bridge/signer/signatures.ts';
import { generateSigningKey, signBytes, verifyBytes } from '../../protocol/ed25519.ts';
import { SOON } from '../fakes/soon.ts';
import { testKey } from '../protocol/company.ts';

const opened: Signatures[] = [];
let workers: Worker[] = [];
/** Of each of them: when it has said its first word, and when it has ended. */
let readies: Promise<unknown>[] = [];
let exits: Promise<unknown>[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((signatures) => signatures.close()));
  await Promise.all(workers.map((worker) => worker.terminate()));
  [workers, readies, exits] = [[], [], []];
  vi.restoreAllMocks();
});

function open(options: SignatureOptions = {}): Signatures {
  const signatures = createSignatures(options);
  opened.push(signatures);
  return signatures;
}

function keep(worker: Worker): Worker {
  workers.push(worker);
  readies.push(new Promise((resolve) => worker.once('message', resolve)));
  exits.push(new Promise((resolve) => worker.once('exit', resolve)));
  return worker;
}

/** The real thread, with what it is given written down. */
function watched() {
  const batches: SignatureBatch[] = [];
  const startWorker = () => {
    const worker = startSignatureWorker();
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (batch: SignatureBatch) => {
      batches.push(batch);
      post(batch);
    };
    return keep(worker);
  };
  return { batches, startWorker };
}

/** A thread of this source. */
const runs = (source: string) => () =>
  keep(new Worker(`const { parentPort } = require('worker_threads'); ${source}`, { eval: true }));

const bytes = (message: string) => Buffer.from(message, 'latin1');
const messages = (count: number) => Array.from({ length: count }, (_, index) => `message ${index} \u00e9`);

/** Asks until the thread is up, and so gets what is asked next. */
async function warm(signatures: Signatures): Promise<void> {
  const { privateKey } = await testKey('warm');
  const sign = () => Promise.all(messages(3).map((message) => signatures.sign(privateKey, bytes(message))));
  await sign();
  expect(workers).toHaveLength(1);
  await readies[0];
}

async function signAll(signatures: Signatures, count: number): Promise<void> {
  const [one, other] = [await testKey('one'), await testKey('other')];
  const all = messages(count);
  const signed = await Promise.all(
    all.map((message, index) => signatures.sign((index % 2 === 0 ? one : other).privateKey, bytes(message))),
  );
  for (const [index, message] of all.entries()) {
    const key = index % 2 === 0 ? one : other;
    expect(signed[index]).toBe(await signBytes(key, bytes(message)));
  }
}

async function verifyAll(signatures: Signatures, count: number): Promise<void> {
  const key = await testKey('one');
  const all = messages(count);
  const made = await Promise.all(all.map((message) => signBytes(key, bytes(message))));
  const next = (index: number) => made[(index + 1) % count] ?? '';
  const right = all.map((message, index) => signatures.verify(key.publicKey, message, made[index] ?? ''));
  const wrong = all.map((message, index) => signatures.verify(key.publicKey, message, next(index)));
  expect(await Promise.all(right)).toEqual(all.map(() => true));
  expect(await Promise.all(wrong)).toEqual(all.map(() => false));
}

describe('Signatures that many ask for at once', () => {
  it('are made and verified by one thread, eight to a message, and are WebCrypto’s to the bit', async () => {
    const { batches, startWorker } = watched();
    const signatures = open({ startWorker });
    await warm(signatures);
    const alone = [vi.spyOn(crypto.subtle, 'sign'), vi.spyOn(crypto.subtle, 'verify')];
    const { privateKey } = await testKey('one');
    await Promise.all(messages(20).map((message) => signatures.sign(privateKey, bytes(message))));
    expect(batches.map(({ jobs }) => jobs.length)).toEqual([8, 8, 4]);
    expect(batches.every(({ keys }) => keys.length === 1)).toBe(true);
    expect(alone.map((spy) => spy.mock.calls.length)).toEqual([0, 0]);
    await signAll(signatures, 40);
    await verifyAll(signatures, 40);
  });

  it('are made with private keys that cannot be exported, which go to the thread as they are', async () => {
    const { batches, startWorker } = watched();
    const signatures = open({ startWorker });
    await warm(signatures);
    batches.splice(0);
    const key = await generateSigningKey(false);
    const [signed = ''] = await Promise.all(
      messages(8).map((message) => signatures.sign(key.privateKey, bytes(message))),
    );
    expect(batches.flatMap(({ keys }) => keys)).toEqual([key.privateKey]);
    const [message = ''] = messages(1);
    expect(await verifyBytes(key.publicKey, bytes(message), signed)).toBe(true);
  });

  it('are WebCrypto’s alone where there are one or two of them', async () => {
    const startWorker = vi.fn(startSignatureWorker);
    const signatures = open({ startWorker });
    await signAll(signatures, 2);
    expect(startWorker).not.toHaveBeenCalled();
  });

  it('are the thread’s however few, while it is up', async () => {
    const { batches, startWorker } = watched();
    const signatures = open({ startWorker });
    await warm(signatures);
    batches.splice(0);
    await signAll(signatures, 1);
    await signAll(signatures, 2);
    expect(batches.map(({ jobs }) => jobs.length)).toEqual([1, 2]);
  });

  it('do not wait for a thread that is not up yet', async () => {
    const signatures = open({ startWorker: runs('') });
    await signAll(signatures, 20);
    await verifyAll(signatures, 20);
  });

  it('are WebCrypto’s beyond what one thread does in time', async () => {
    const { batches, startWorker } = watched();
    const signatures = open({ startWorker, backlog: 10 });
    await warm(signatures);
    const alone = vi.spyOn(crypto.subtle, 'sign');
    const { privateKey } = await testKey('one');
    const asked = messages(32).map((message) => signatures.sign(privateKey, bytes(message)));
    expect((await Promise.all(asked)).every((signature) => signature.length === 86)).toBe(true);
    expect(batches.map(({ jobs }) => jobs.length)).toEqual([8, 2]);
    expect(alone).toHaveBeenCalledTimes(22);
  });
});

describe('A public key', () => {
  it('of small order verifies nothing, and does not reach the thread', async () => {
    const { batches, startWorker } = watched();
    const signatures = open({ startWorker });
    await warm(signatures);
    const identity = { kty: 'OKP', crv: 'Ed25519', x: `AQ${'A'.repeat(41)}` } as const;
    // R is the identity and S is 0: holds for every message under a key of small order.
    const forged = `AQ${'A'.repeat(84)}`;
    const answers = messages(8).map((message) => signatures.verify(identity, message, forged));
    expect(await Promise.all(answers)).toEqual(Array(8).fill(false));
    expect(batches).toEqual([]);
  });

  it('that is no point is just false', async () => {
    const signatures = open();
    const none = { kty: 'OKP', crv: 'Ed25519', x: 'A' } as const;
    expect(await signatures.verify(none, 'message', 'A'.repeat(86))).toBe(false);
  });
});

describe('A thread that ends', () => {
  /** Says that it is up, and ends with what it is given first. */
  const dying = runs(`parentPort.postMessage('${READY}'); parentPort.on('message', () => process.exit(1));`);

  it('loses nothing: what it had is done without it, and another takes its place', async () => {
    let started = 0;
    const { batches, startWorker } = watched();
    const failures: unknown[] = [];
    const signatures = open({
      ...{ startWorker: () => (started++ === 0 ? dying() : startWorker()), restartMs: 0 },
      onFailure: (error) => failures.push(error),
    });
    await warm(signatures);
    await signAll(signatures, 40);
    await verifyAll(signatures, 40);
    await vi.waitFor(async () => {
      await signAll(signatures, 8);
      expect(batches.length).toBeGreaterThan(0);
    }, SOON);
    expect(started).toBe(2);
    expect(failures.map(String)).toEqual(['Error: it ended with 1']);
  });

  it('by itself is not tried again with each batch', async () => {
    const failures: unknown[] = [];
    const startWorker = vi.fn(runs(`throw new Error('no memory')`));
    const signatures = open({
      startWorker,
      restartMs: 3_600_000,
      onFailure: (error) => failures.push(error),
    });
    await signAll(signatures, 8);
    await vi.waitFor(() => expect(failures.map(String)).toEqual(['Error: no memory']), SOON);
    await signAll(signatures, 8);
    await verifyAll(signatures, 8);
    expect(startWorker).toHaveBeenCalledTimes(1);
  });

  it('before it begins, for want of threads, stops nobody', async () => {
    const failures: unknown[] = [];
    const startWorker = vi.fn(() => {
      throw new Error('EAGAIN');
    });
    const signatures = open({
      startWorker,
      restartMs: 3_600_000,
      onFailure: (error) => failures.push(error),
    });
    await signAll(signatures, 3);
    await signAll(signatures, 40);
    expect(failures.map(String)).toEqual(['Error: EAGAIN']);
    expect(startWorker).toHaveBeenCalledTimes(1);
  });

  it('because it was told to is no failure', async () => {
    const failures: unknown[] = [];
    const { startWorker } = watched();
    const signatures = open({ startWorker, onFailure: (error) => failures.push(error) });
    await warm(signatures);
    await signatures.close();
    expect(failures).toEqual([]);
  });

  it('after a pause comes back with the next batch', async () => {
    const { startWorker } = watched();
    const signatures = open({ startWorker, idleMs: 1 });
    await signAll(signatures, 8);
    await exits[0];
    await signAll(signatures, 8);
    expect(workers).toHaveLength(2);
  });

  it('when it is closed is not started again, and what is asked for later is done', async () => {
    const { startWorker } = watched();
    const signatures = open({ startWorker });
    await warm(signatures);
    const { privateKey } = await testKey('one');
    const asked = messages(40).map((message) => signatures.sign(privateKey, bytes(message)));
    await signatures.close();
    expect((await Promise.all(asked)).every((signature) => signature.length === 86)).toBe(true);
    await signAll(signatures, 40);
    expect(workers).toHaveLength(1);
  });
});

describe('A thread that answers', () => {
  const READS = `parentPort.postMessage('${READY}'); parentPort.on('message', ({ id, jobs }) => `;

  it.each([
    ['for another batch', `parentPort.postMessage({ id: id + 1, answers: jobs.map(() => true) })`],
    ['too little', `parentPort.postMessage({ id, answers: [true] })`],
    ['too much', `parentPort.postMessage({ id, answers: [...jobs, 1].map(() => true) })`],
    ['the same twice', `[1, 2].map(() => parentPort.postMessage({ id: 0, answers: [] }))`],
  ])('%s is not believed', async (_, answer) => {
    const failures: unknown[] = [];
    const signatures = open({
      startWorker: runs(`${READS}${answer});`),
      ...{ restartMs: 3_600_000, onFailure: (error: unknown) => failures.push(error) },
    });
    await warm(signatures);
    await verifyAll(signatures, 8);
    await signAll(signatures, 8);
    expect(failures.map(String)).toEqual(['Error: it answered what it was not asked']);
  });

  it('what is no signature makes none', async () => {
    const signatures = open({
      startWorker: runs(`${READS}parentPort.postMessage({ id, answers: jobs.map(() => false) }));`),
    });
    await warm(signatures);
    const { privateKey } = await testKey('one');
    const asked = messages(3).map((message) => signatures.sign(privateKey, bytes(message)));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});

describe('A signature', () => {
  it.each(['alone', 'by the thread'])(
    'in another spelling of the same bytes does not verify, %s',
    async (where) => {
      const { startWorker } = watched();
      const signatures = open({ startWorker });
      if (where === 'by the thread') await warm(signatures);
      const key = await testKey('one');
      const signature = await signBytes(key, Buffer.from('message'));
      const last = String.fromCharCode(signature.charCodeAt(85) + 1);
      const others = [
        `${signature}==`,
        signature.slice(0, 85) + last,
        `${signature}A`,
        signature.slice(0, 85),
        '',
      ];
      expect(await signatures.verify(key.publicKey, 'message', signature)).toBe(true);
      for (const other of others)
        expect(await signatures.verify(key.publicKey, 'message', other)).toBe(false);
    },
  );
});

describe('A message', () => {
  it('whose key cannot be sent to a thread rejects for who asked alone', async () => {
    const { startWorker } = watched();
    const signatures = open({ startWorker });
    await warm(signatures);
    const none = { sign: () => {} } as unknown as CryptoKey;
    const { privateKey } = await testKey('one');
    const asked = messages(8).map((message, index) =>
      signatures.sign(index === 3 ? none : privateKey, bytes(message)),
    );
    const outcomes = (await Promise.allSettled(asked)).map(({ status }) => status);
    expect(outcomes).toEqual(messages(8).map((_, index) => (index === 3 ? 'rejected' : 'fulfilled')));
    await signAll(signatures, 8);
  });

  it('that cannot be signed rejects for who asked alone', async () => {
    const { startWorker } = watched();
    const signatures = open({ startWorker });
    await warm(signatures);
    const { publicKey } = (await crypto.subtle.generateKey('Ed25519', false, [
      'sign',
      'verify',
    ])) as CryptoKeyPair;
    const { privateKey } = await testKey('one');
    const asked = messages(8).map((message, index) =>
      signatures.sign(index === 3 ? publicKey : privateKey, bytes(message)),
    );
    const outcomes = (await Promise.allSettled(asked)).map(({ status }) => status);
    expect(outcomes).toEqual(messages(8).map((_, index) => (index === 3 ? 'rejected' : 'fulfilled')));
  });
});
