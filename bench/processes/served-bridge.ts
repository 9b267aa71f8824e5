import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import type { Company } from '../company/company.ts';

/** The program as it was built. */
export const PROGRAM = 'dist/bridge/cli/main.js';

/** `countersign serve`, as it was built, in a process of its own. */
export interface ServedBridge {
  /** From the start of the process to the first 200 of `/health/ready`. */
  readonly startMs: number;
  /** Now; MB. Linux only, as is what the bridge is run on; `NaN` elsewhere. */
  residentMb(): Promise<number>;
  /** The most so far. */
  peakMb(): Promise<number>;
  stop(): Promise<void>;
}

/** Between two looks: what is measured is at most this much too long. */
const LOOK_MS = 5;
const GIVE_UP_MS = 60_000;

/** Resolves when it is ready. */
export async function serveBridge(company: Company): Promise<ServedBridge> {
  const args = [PROGRAM, 'serve', '--config', company.configPath];
  const started = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(child, 'close');
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const stop = async () => {
    child.kill('SIGTERM');
    await closed;
  };
  try {
    await untilReady(child, company);
    return {
      startMs: performance.now() - started,
      residentMb: () => memoryMb(child, 'VmRSS'),
      peakMb: () => memoryMb(child, 'VmHWM'),
      stop,
    };
  } catch (cause) {
    await stop();
    throw new Error(`the bridge did not start: ${said.join('')}`, { cause });
  }
}

async function untilReady(child: ChildProcess, { port, host, ca }: Company): Promise<void> {
  const agent = new Agent({ connect: { ca, servername: host } });
  try {
    for (const until = performance.now() + GIVE_UP_MS; performance.now() < until; await wait(LOOK_MS)) {
      if (child.exitCode !== null) throw new Error(`the bridge ended with ${child.exitCode}`);
      if (await isReady(`https://127.0.0.1:${port}/health/ready`, agent)) return;
    }
    throw new Error('the bridge does not become ready');
  } finally {
    await agent.close();
  }
}

async function isReady(url: string, dispatcher: Agent): Promise<boolean> {
  try {
    const answer = await fetch(url, { dispatcher });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    // Nobody listens yet.
    return false;
  }
}

async function memoryMb({ pid }: ChildProcess, line: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kilobytes = Number.NaN] = new RegExp(`${line}:\\s+(\\d+) kB`).exec(status) ?? [];
  return Number(kilobytes) / 1000;
}
