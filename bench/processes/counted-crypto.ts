import type { Worker } from 'node:worker_threads';
import type { SignatureBatch } from '../../bridge/signer/signature-batch.ts';
import { startSignatureWorker } from '../../bridge/signer/signatures.ts';

/** How often this process signed and verified, by WebCrypto and in its thread for signatures. */
export interface CryptoCounts {
  signed: number;
  verified: number;
}

/** Counts every WebCrypto signature of this process from now on, whoever makes it: an addition and a call more each. */
export function countCrypto(): CryptoCounts {
  const counts = { signed: 0, verified: 0 };
  const { subtle } = crypto;
  const sign = subtle.sign.bind(subtle);
  const verify = subtle.verify.bind(subtle);
  Object.defineProperties(subtle, {
    sign: {
      value: (...args: Parameters<typeof sign>) => {
        counts.signed += 1;
        return sign(...args);
      },
    },
    verify: {
      value: (...args: Parameters<typeof verify>) => {
        counts.verified += 1;
        return verify(...args);
      },
    },
  });
  return counts;
}

/** That thread, with what it is given counted. */
export function countedSignatureWorker(counts: CryptoCounts): Worker {
  const worker = startSignatureWorker();
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (batch: SignatureBatch) => {
    const signed = batch.jobs.filter(({ length }) => length === 2).length;
    counts.signed += signed;
    counts.verified += batch.jobs.length - signed;
    post(batch);
  };
  return worker;
}
