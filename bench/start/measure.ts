import { access } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type Company, foundCompany } from '../company/company.ts';
import { PROGRAM, serveBridge } from '../processes/served-bridge.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, shown } from '../report/figures.ts';

const RUNS = 7;
const PEOPLE = 100;
const WANTED_MS = 1_500;
const WANTED_MB = 200;

interface Start {
  /** From the start of the process to the first 200 of `/health/ready`. */
  readonly ms: number;
  /** Resident memory then, and a little later, MB. */
  readonly readyMb: number;
  readonly settledMb: number;
}

/** `countersign serve`, as it was built, from nothing to ready. */
export async function measureStart(say: (line: string) => void): Promise<Chapter> {
  await access(PROGRAM);
  const company = await foundCompany(PEOPLE);
  try {
    const starts: Start[] = [];
    // The first run reads the files from disk, as none after it does.
    await startOnce(company);
    for (let run = 0; run < RUNS; run += 1) starts.push(await startOnce(company));
    say(`start: ${RUNS} times`);
    return describe(starts);
  } finally {
    await company.remove();
  }
}

async function startOnce(company: Company): Promise<Start> {
  const bridge = await serveBridge(company);
  try {
    const readyMb = await bridge.residentMb();
    await wait(1_000);
    return { ms: bridge.startMs, readyMb, settledMb: await bridge.residentMb() };
  } finally {
    await bridge.stop();
  }
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
