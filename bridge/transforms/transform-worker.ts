import { parentPort, workerData } from 'node:worker_threads';
import { isCountersignError } from '../../protocol/errors.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { performTransform } from './perform-transform.ts';
import type { ThreadAnswer, ThreadJob, ThreadSettings } from './transform-pool.ts';

/** A thread that transforms, one job after the other, with an engine of its own. */
const { prefer }: ThreadSettings = workerData;
const engine = await loadTransformEngine({ prefer });

parentPort?.on('message', (job: ThreadJob) => {
  const answer = answerTo(job);
  for (const key of job.keys) key.fill(0);
  if (answer.output === undefined) parentPort?.postMessage(answer);
  else parentPort?.postMessage(answer, [answer.output.buffer]);
});

function answerTo(job: ThreadJob): ThreadAnswer {
  try {
    return { id: job.id, output: Uint8Array.from(performTransform(engine, job)) };
  } catch (error) {
    const { code, detail } = isCountersignError(error)
      ? error
      : { code: 'internal' as const, detail: undefined };
    return {
      id: job.id,
      fault: { code, detail, cause: error instanceof Error ? error.stack : String(error) },
    };
  }
}
