import { access } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { startChild } from '../processes/child.ts';
import { PROGRAM, type ServedBridge, serveBridge } from '../processes/served-bridge.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, shown } from '../report/figures.ts';
import { addVersions } from './add-versions.ts';
import { ENTRIES, type FilledCompany } from './filled-company.ts';
import type { RequestProcess } from './request-process.ts';
import type { WitnessedCompany } from './witnessed-company.ts';

const RUNS = 3;
const LOOK_UPS = 1_000;
const CONNECTIONS = 16;
const ADDED = 100;
const WANTED_MB = 400;
/** What is let go of just then is not waited for any longer. */
const SETTLE_MS = 1_000;

/** MB. */
interface Resident {
  readonly started: number;
  readonly lookedUp: number;
  readonly added: number;
  readonly peak: number;
  readonly startMs: number;
}

/** What a whole bridge needs in memory whose log is large. */
export async function measureMemory(say: (line: string) => void, filled: FilledCompany): Promise<Chapter> {
  await access(PROGRAM);
  const company = await filled.get(say);
  const runs: Resident[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    say(`memory: run ${run} of ${RUNS}`);
    runs.push(await runOnce(company));
  }
  return describe(runs);
}

async function runOnce(company: WitnessedCompany): Promise<Resident> {
  const bridge = await serveBridge(company);
  try {
    const started = await settled(bridge);
    await lookUp(company);
    const lookedUp = await settled(bridge);
    await addVersions(company.databasePath, ADDED);
    const added = await settled(bridge);
    return { started, lookedUp, added, peak: await bridge.peakMb(), startMs: bridge.startMs };
  } finally {
    await bridge.stop();
  }
}

async function settled(bridge: ServedBridge): Promise<number> {
  await wait(SETTLE_MS);
  return bridge.residentMb();
}

async function lookUp({ issuer: origin, host, port, ca, asker, addresses }: WitnessedCompany): Promise<void> {
  const load = startChild<RequestProcess>('./request-process', import.meta.url);
  try {
    const batches = addresses.map((address) => [address]);
    const requests = { origin, asker, batches, count: LOOK_UPS };
    await load.ask('run', { peer: { host, port, ca }, connections: CONNECTIONS, requests, ms: null });
  } finally {
    await load.end();
  }
}

function describe(runs: readonly Resident[]): Chapter {
  const row = (name: string, of: (run: Resident) => number) => {
    const values = runs.map(of);
    return [name, shown(median(values)), shown(Math.min(...values)), shown(Math.max(...values))];
  };
  const most = median(runs.map(({ started, lookedUp, added }) => Math.max(started, lookedUp, added)));
  const entries = ENTRIES.toLocaleString('en-US');
  return {
    title: 'Memory with a large log',
    text:
      `\`countersign serve\` on the embedded store with a log of ${entries} entries and one witness; ${runs.length} ` +
      `runs. Resident ${SETTLE_MS / 1000} s after it is ready, after ${LOOK_UPS.toLocaleString('en-US')} look-ups of as ` +
      `many people with their log proofs, and after ${ADDED} additions that another process staged. The threads that ` +
      'prove are among it: they end when nothing was added for a while. The most that was resident at any moment ' +
      'includes what is let go of at once.',
    tables: [
      {
        head: ['', 'median', 'least', 'most'],
        rows: [
          row('resident MB when ready', ({ started }) => started),
          row(`resident MB after ${LOOK_UPS.toLocaleString('en-US')} look-ups`, ({ lookedUp }) => lookedUp),
          row(`resident MB after ${ADDED} additions`, ({ added }) => added),
          row('resident MB at the most', ({ peak }) => peak),
          row('ms to ready', ({ startMs }) => startMs),
        ],
      },
    ],
    goals: [
      {
        name: `Resident memory with a log of ${entries} entries, after look-ups and additions`,
        wanted: `less than ${WANTED_MB} MB`,
        measured: `${shown(most)} MB`,
        met: most < WANTED_MB,
      },
    ],
  };
}
