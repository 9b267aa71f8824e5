import { KeptConnection, type Peer } from '../look-up/kept-connection.ts';
import { answerParent } from '../processes/child.ts';
import { cpuMs } from '../processes/cpu.ts';
import { type Asked, makeLookUps } from './look-up-requests.ts';

/** Whom requests go to, and how. */
export interface RequestPlan {
  readonly peer: Peer;
  /** The bytes of requests, or look-ups to be made before the clock starts. */
  readonly requests: readonly Uint8Array[] | Asked;
  /** Each has one request under way at a time. */
  readonly connections: number;
  /** Requests begin over again until then; null: each is sent once. */
  readonly ms: number | null;
}

export interface RequestResult {
  readonly perSecond: number;
  /** Milliseconds, of each request. */
  readonly latencies: Float64Array;
  /** CPU time of this process, part of one core. */
  readonly cpu: number;
  /** Of the first answer. */
  readonly answer: string;
}

const handlers = { run };
export type RequestProcess = typeof handlers;

async function run({ peer, requests, connections, ms }: RequestPlan): Promise<RequestResult> {
  const made = 'asker' in requests ? await makeLookUps(requests) : requests.map((each) => Buffer.from(each));
  const opened = await Promise.all(Array.from({ length: connections }, () => KeptConnection.open(peer)));
  const latencies: number[] = [];
  let next = 0;
  let answer: Buffer | undefined;
  const cpuBefore = cpuMs();
  const started = performance.now();
  const until = ms === null ? Number.POSITIVE_INFINITY : started + ms;
  // what is signed may be sent once only
  const again = ms !== null && !('asker' in requests);
  async function send(connection: KeptConnection): Promise<void> {
    for (let now = performance.now(); now < until; ) {
      const request = made[again ? next++ % made.length : next++];
      if (request === undefined) return;
      const { body } = await connection.send(request);
      answer ??= body;
      const answered = performance.now();
      latencies.push(answered - now);
      now = answered;
    }
  }
  await Promise.all(opened.map(send));
  const spent = performance.now() - started;
  const cpu = (cpuMs() - cpuBefore) / spent;
  for (const connection of opened) connection.close();
  return {
    ...{ perSecond: latencies.length / (spent / 1000), cpu, answer: answer?.toString('utf8') ?? '' },
    latencies: Float64Array.from(latencies),
  };
}

answerParent(handlers);
