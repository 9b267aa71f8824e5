import { execFile } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { EPOCH_VERSIONS } from '../../bridge/lib/limits.ts';
import { PROGRAM, serveBridge } from '../processes/served-bridge.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, shown } from '../report/figures.ts';
import { addVersions } from './add-versions.ts';
import { ENTRIES, type FilledCompany } from './filled-company.ts';
import type { WitnessedCompany } from './witnessed-company.ts';

/** A whole replay takes a minute and more; it has its own thousands of epochs to be a mean of. */
const REPLAYS = 2;
const RESUMED = 2;
const ADDED = 100;
const WANTED = 10_000;

interface Run {
  readonly replayed: number;
  /** Of the whole process, its start included. */
  readonly seconds: number;
}

interface Found {
  readonly whole: readonly Run[];
  readonly resumed: readonly Run[];
}

/** `countersign audit` of a bridge with a large log, both as they were built. */
export async function measureAuditor(say: (line: string) => void, filled: FilledCompany): Promise<Chapter> {
  await access(PROGRAM);
  const company = await filled.get(say);
  const bridge = await serveBridge(company);
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-audit-'));
  try {
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, company.ca);
    const found = { whole: [] as Run[], resumed: [] as Run[] };
    let state = '';
    for (let replay = 1; replay <= REPLAYS; replay += 1) {
      say(`auditor: replay ${replay} of ${REPLAYS}`);
      if (state !== '') await rm(state, { recursive: true });
      state = join(folder, `state-${replay}`);
      found.whole.push(await audit(company, state, caFile));
    }
    for (let run = 1; run <= RESUMED; run += 1) {
      say(`auditor: resumed ${run} of ${RESUMED}`);
      await addVersions(company.databasePath, ADDED);
      found.resumed.push(await audit(company, state, caFile));
    }
    return describe(found);
  } finally {
    await bridge.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const reportSchema = z.object({ outcome: z.literal('verified'), replayed: z.number() });

async function audit(
  { issuer, rootThumbprint }: WitnessedCompany,
  state: string,
  caFile: string,
): Promise<Run> {
  const args = [PROGRAM, 'audit', issuer, '--root', rootThumbprint, '--state', state, '--json'];
  const started = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile },
  });
  const seconds = (performance.now() - started) / 1000;
  const { replayed } = reportSchema.parse(JSON.parse(stdout));
  return { replayed, seconds };
}

function describe({ whole, resumed }: Found): Chapter {
  const rate = median(whole.map(({ replayed, seconds }) => replayed / seconds));
  const row = (name: string, runs: readonly Run[]) => [
    name,
    shown(median(runs.map(({ seconds }) => seconds))),
    shown(median(runs.map(({ replayed }) => replayed))),
  ];
  const entries = ENTRIES.toLocaleString('en-US');
  return {
    title: 'Auditor',
    text:
      `\`countersign audit\` of a bridge with a log of ${entries} entries, in epochs of ${EPOCH_VERSIONS} versions, which are the ` +
      'fullest that the bridge makes. Bridge and auditor are two processes on one machine; everything is fetched over ' +
      'HTTPS, every hash of the tree and the root of the map at the end of each epoch are computed anew, and the copy ' +
      'is kept in a folder. Seconds of the whole process. One that goes on reads its copy again and checks it first.',
    tables: [
      {
        head: ['', 'seconds', 'entries that were new'],
        rows: [row('first run', whole), row(`goes on after ${ADDED} additions`, resumed)],
      },
    ],
    goals: [
      {
        name: `Auditor: entries a second, of ${entries}`,
        wanted: `at least ${WANTED.toLocaleString('en-US')}`,
        measured: shown(rate),
        met: rate >= WANTED,
      },
    ],
  };
}
