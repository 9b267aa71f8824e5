import { signDpopProof } from '../../protocol/dpop.ts';
import { importSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import type { Asker } from '../company/asker.ts';
import { answerParent } from '../processes/child.ts';
import { cpuMs } from '../processes/cpu.ts';
import { KeptConnection, type Peer } from './kept-connection.ts';

/** Where the load goes to, and from whom. */
export interface Target extends Peer {
  readonly origin: string;
  readonly path: string;
  readonly body: string;
  readonly asker: Pick<Asker, 'accessToken' | 'deviceKey'>;
}

export interface LoadPlan {
  readonly target: Target;
  /** Each has one request under way at a time. */
  readonly connections: number;
  readonly ms: number;
  /** Proofs are made before the clock starts: the load must not wait for its own signatures. */
  readonly requestsAtMost: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds, of each request. */
  readonly latencies: Float64Array;
  /** What this process needed while the clock ran. */
  readonly cpuMs: number;
  /** The proofs ran out before the time. */
  readonly cutShort: boolean;
}

const handlers = {
  /** One request; the answer's body. */
  once: async (target: Target): Promise<string> => {
    const [request] = await makeRequests(target, 1);
    const connection = await KeptConnection.open(target);
    const answer = await connection.send(request ?? Buffer.alloc(0));
    connection.close();
    return answer.body.toString('utf8');
  },
  run,
};
export type LoadProcess = typeof handlers;

async function run({ target, connections, ms, requestsAtMost }: LoadPlan): Promise<LoadResult> {
  const requests = await makeRequests(target, requestsAtMost);
  const opened = await Promise.all(Array.from({ length: connections }, () => KeptConnection.open(target)));
  const latencies: number[] = [];
  let next = 0;
  const cpuBefore = cpuMs();
  const started = performance.now();
  const until = started + ms;
  async function send(connection: KeptConnection): Promise<void> {
    for (let now = performance.now(); now < until; ) {
      const request = requests[next++];
      if (request === undefined) return;
      await connection.send(request);
      const answered = performance.now();
      latencies.push(answered - now);
      now = answered;
    }
  }
  await Promise.all(opened.map(send));
  const seconds = (performance.now() - started) / 1000;
  const cpu = cpuMs() - cpuBefore;
  for (const connection of opened) connection.close();
  return {
    ...{ requests: latencies.length, seconds, cpuMs: cpu, cutShort: next > requests.length },
    latencies: Float64Array.from(latencies),
  };
}

const keys = new Map<string, Promise<SigningKey>>();

/** The bytes of requests, each with a proof of its own, as if from thousands of clients behind one proxy. */
async function makeRequests(target: Target, count: number): Promise<Buffer[]> {
  const { accessToken, deviceKey } = target.asker;
  const key = keys.get(deviceKey.x) ?? importSigningKey(deviceKey);
  keys.set(deviceKey.x, key);
  const signer = await key;
  const asked = { method: 'POST', url: target.origin + target.path, accessToken };
  const now = Math.floor(Date.now() / 1000);
  const requests: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    const proof = await signDpopProof(signer, asked, now);
    requests.push(
      Buffer.from(
        `POST ${target.path} HTTP/1.1\r\nHost: ${new URL(target.origin).host}\r\n` +
          `Authorization: DPoP ${accessToken}\r\nDPoP: ${proof}\r\n` +
          `X-Forwarded-For: 10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(target.body)}\r\n\r\n${target.body}`,
      ),
    );
  }
  return requests;
}

answerParent(handlers);
