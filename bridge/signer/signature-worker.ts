import { createPublicKey, KeyObject, sign, verify } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { READY, type SignatureAnswers, type SignatureBatch, type SignatureJob } from './signature-batch.ts';

/** A thread that signs and verifies, one batch after the other. What fails ends it: its batches are done without it. */
const KNOWN_KEYS = 4096;
const known = new Map<string, KeyObject>();

parentPort?.on('message', ({ id, keys, jobs }: SignatureBatch) => {
  const signing = keys.map(signingKey);
  parentPort?.postMessage({
    id,
    answers: jobs.map((job) => answer(job, signing)),
  } satisfies SignatureAnswers);
});
parentPort?.on('messageerror', (error) => {
  throw error;
});
parentPort?.postMessage(READY);

/** Without what a CryptoKey is for and whether it may be exported: it lives no longer than its batch. */
function signingKey(key: CryptoKey): KeyObject {
  if (!key.usages.includes('sign')) throw new TypeError('the key is not one to sign with');
  return KeyObject.from(key);
}

function answer(job: SignatureJob, signing: readonly KeyObject[]): string | boolean {
  const message = Buffer.from(job[0], 'latin1');
  if (job.length === 3) {
    const [, x, signature] = job;
    return verify(null, message, publicKey(x), Buffer.from(signature, 'base64url'));
  }
  const key = signing[job[1]];
  if (key === undefined) throw new TypeError('a batch names a key that it does not have');
  return sign(null, message, key).toString('base64url');
}

/** The key used longest ago makes room, as in protocol/ed25519.ts. */
function publicKey(x: string): KeyObject {
  const key = known.get(x) ?? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  known.delete(x);
  known.set(x, key);
  for (const oldest of known.keys()) {
    if (known.size <= KNOWN_KEYS) break;
    known.delete(oldest);
  }
  return key;
}
