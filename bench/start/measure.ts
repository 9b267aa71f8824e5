import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { type Company, foundCompany } from '../company/company.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, shown } from '../report/figures.ts';

const RUNS = 7;
const PEOPLE = 100;
const WANTED_MS = 1_500;
const WANTED_MB = 200;
/** Between two looks: what is measured is at most this much too long. */
const LOOK_MS = 5;
const GIVE_UP_MS = 60_000;

interface Start {
  /** From the start of the process to the first 200 of `/health/ready`. */
  readonly ms: number;
  /** Resident memory then, and a little later, MB. */
  readonly readyMb: number;
  readonly settledMb: number;
}

/** `countersign serve`, as it was built, from nothing to ready. */
export async function measureStart(say: (line: string) => void): Promise<Chapter> {
  const program = 'dist/bridge/cli/main.js';
  await access(program);
  const company = await foundCompany(PEOPLE);
  try {
    const starts: Start[] = [];
    // The first run reads the files from disk, as none after it does.
    await startOnce(program, company);
    for (let run = 0; run < RUNS; run += 1) starts.push(await startOnce(program, company));
    say(`start: ${RUNS} times`);
    return describe(starts);
  } finally {
    await company.remove();
  }
}

async function startOnce(program: string, company: Company): Promise<Start> {
  const args = [program, 'serve', '--config', company.configPath];
  const started = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(child, 'close');
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  try {
    await untilReady(child, company);
    const ms = performance.now() - started;
    const readyMb = await residentMb(child);
    await wait(1_000);
    return { ms, readyMb, settledMb: await residentMb(child) };
  } catch (cause) {
    child.kill('SIGTERM');
    await closed;
    throw new Error(`the bridge did not start: ${said.join('')}`, { cause });
  } finally {
    child.kill('SIGTERM');
    await closed;
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

/** Linux only, as is what the bridge is run on; `NaN` elsewhere. */
async function residentMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1000;
}

function describe(starts: readonly Start[]): Chapter {
  const ms = starts.map((start) => start.ms);
  const ready = starts.map((start) => start.readyMb);
  const settled = starts.map((start) => start.settledMb);
  const row = (name: string, values: readonly number[]) => [
    ...[name, shown(median(values)), shown(Math.min(...values)), shown(Math.max(...values))],
  ];
  return {
    title: 'Start',
    text:
      '`node dist/bridge/cli/main.js serve` on the embedded store, from the start of the process to the first 200 of ' +
      `\`/health/ready\` over HTTPS; ${starts.length} runs, files in the page cache.`,
    tables: [
      {
        head: ['', 'median', 'least', 'most'],
        rows: [
          row('ms to ready', ms),
          row('resident MB when ready', ready),
          row('resident MB a second later', settled),
        ],
      },
    ],
    goals: [
      {
        name: 'Start to ready, embedded store',
        wanted: `less than ${WANTED_MS / 1000} s`,
        measured: `${shown(median(ms) / 1000)} s`,
        met: median(ms) < WANTED_MS,
      },
      {
        name: 'Resident memory when ready, embedded store',
        wanted: `less than ${WANTED_MB} MB`,
        measured: `${shown(median(settled))} MB`,
        met: median(settled) < WANTED_MB,
      },
    ],
  };
}
