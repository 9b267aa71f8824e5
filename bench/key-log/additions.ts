import { availableParallelism } from 'node:os';
import { type Child, startChild } from '../processes/child.ts';
import type { Chapter, Goal } from '../report/chapter.ts';
import { median, percentile, ratioOfRounds, shown } from '../report/figures.ts';
import { type KeyServer, startKeyServer } from './key-server.ts';
import type { AdditionsResult, LogProcess, Prices } from './log-process.ts';
import type { RequestProcess, RequestResult } from './request-process.ts';
import { foundWitnessedCompany } from './witnessed-company.ts';

const ROUNDS = 5;
const CLIENTS = 64;
/** Of one round. */
const ADDED = 512;
const SET = 128;
const ONE_BY_ONE = 6;
const PROOFS = 256;
/** Of the first version of an address: that it is there, and that the next one is not. */
const NEW_PROOFS = 2;
const WANTED_OF_PEER = 4;
const WANTED_OF_PROOFS = 0.7;
const WANTED_P50_MS = 1_200;

interface Rounds {
  readonly ours: AdditionsResult[];
  readonly alone: AdditionsResult[];
  readonly prices: Prices[];
  /** Empty where there is no age-keyserver. */
  readonly peer: RequestResult[];
}

/** Durable additions to the key log, each waited for until a witness has cosigned it; age-keyserver's by turns. */
export async function measureAdditions(say: (line: string) => void): Promise<Chapter> {
  const company = await foundWitnessedCompany(1);
  const log = startChild<LogProcess>('./log-process', import.meta.url);
  const load = startChild<RequestProcess>('./request-process', import.meta.url);
  let server: KeyServer | string = 'It was not started.';
  try {
    server = await startKeyServer();
    if (typeof server === 'string') say(`additions: there is no age-keyserver here. ${server}`);
    await log.ask('open', company.configPath);
    say('additions: warming up');
    await log.ask('add', { count: ADDED, concurrency: CLIENTS });
    const rounds: Rounds = { ours: [], alone: [], prices: [], peer: [] };
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(`additions: round ${round} of ${ROUNDS}`);
      await runRound(rounds, log, load, server);
    }
    return describe(rounds, typeof server === 'string' ? server : null);
  } finally {
    await Promise.all([load.end(), log.end()]);
    if (typeof server !== 'string') await server.stop();
    await company.remove();
  }
}

async function runRound(
  rounds: Rounds,
  log: Child<LogProcess>,
  load: Child<RequestProcess>,
  server: KeyServer | string,
): Promise<void> {
  rounds.prices.push(await log.ask('prices', { proofs: PROOFS, workers: availableParallelism() }));
  rounds.ours.push(await log.ask('add', { count: ADDED, concurrency: CLIENTS }));
  rounds.alone.push(await log.ask('add', { count: ONE_BY_ONE, concurrency: 1 }));
  if (typeof server === 'string') return;
  const plan = { peer: server.peer, requests: await server.settings(SET), connections: CLIENTS, ms: null };
  rounds.peer.push(await load.ask('run', plan));
}

/** Additions a second if nothing but proofs took time. */
function allowed({ proveMs }: Prices): number {
  return availableParallelism() / ((NEW_PROOFS * proveMs) / 1000);
}

function describe(rounds: Rounds, missing: string | null): Chapter {
  const { ours, alone, prices, peer } = rounds;
  const perSecond = (results: readonly { readonly perSecond: number }[]) =>
    results.map((result) => result.perSecond);
  const ofProofs = ratioOfRounds(perSecond(ours), prices.map(allowed));
  const p50 = median(alone.flatMap(({ latencies }) => [...latencies]));
  const row = (name: string, results: readonly (AdditionsResult | RequestResult)[]) => [
    name,
    shown(median(perSecond(results))),
    shown(median(results.map(({ latencies }) => median([...latencies])))),
    shown(median(results.map(({ latencies }) => percentile([...latencies], 99)))),
    shown(median(results.flatMap((result) => ('cpuMs' in result ? [result.cpuMs] : [Number.NaN])))),
  ];
  const unknown = (cells: readonly string[]) => cells.map((cell) => (cell === 'NaN' ? '' : cell));
  return {
    title: 'Additions to the key log',
    text:
      'First versions of new addresses at the key log’s own door: staged in a durable transaction of their own, their ' +
      `${NEW_PROOFS} VRF proofs made (that the version is in the map, and that the next one is not) in as many threads ` +
      'as there are cores, put into map and tree in a second durable transaction, signed, and cosigned over HTTPS by ' +
      'one witness, which is a process of its own; only then does an addition count. ' +
      (missing === null
        ? `age-keyserver’s are \`POST /setkey\` over HTTP, which answers when the entry is in its log; litewitness ` +
          'cosigns that. The link that each of them needs was asked for before. Both by turns. '
        : `age-keyserver was not measured: ${missing} `) +
      'What the proofs allow is cores ÷ (proofs × the time of one, measured alone in the same round): as if signatures, ' +
      'hashes, disk, the witness and the process that asks cost nothing.',
    tables: [
      {
        head: ['', 'additions/s', 'p50 ms', 'p99 ms', 'CPU ms each'],
        rows: [
          row(`key log, ${CLIENTS} at once`, ours),
          row('key log, one at a time', alone),
          ...(peer.length === 0 ? [] : [unknown(row(`age-keyserver, ${CLIENTS} at once`, peer))]),
        ],
      },
      {
        head: ['VRF proofs', ''],
        rows: [
          ['ms each, one thread alone', shown(median(prices.map(({ proveMs }) => proveMs)))],
          ['additions/s that they allow', shown(median(prices.map(allowed)))],
          [
            'additions/s that the threads prove, with nothing else at work',
            shown(median(prices.map(({ pooledPerSecond }) => pooledPerSecond / NEW_PROOFS))),
          ],
        ],
      },
    ],
    goals: [
      peerGoal(perSecond(ours), perSecond(peer)),
      {
        name: 'The same: part of what VRF proofs alone allow',
        wanted: `at least ${WANTED_OF_PROOFS}`,
        measured: shown(ofProofs),
        met: ofProofs >= WANTED_OF_PROOFS,
      },
      {
        name: 'One addition at a time, its epoch and cosignature included: p50',
        wanted: `less than ${WANTED_P50_MS / 1000} s`,
        measured: `${shown(p50 / 1000)} s`,
        met: p50 < WANTED_P50_MS,
      },
    ],
  };
}

function peerGoal(ours: readonly number[], theirs: readonly number[]): Goal {
  const goal = {
    name: `Additions of ${CLIENTS} clients, cosigned: times age-keyserver’s`,
    wanted: `at least ${WANTED_OF_PEER}, where it is installed`,
  };
  if (theirs.length === 0) return { ...goal, measured: 'it is not installed', met: null };
  const times = ratioOfRounds(ours, theirs);
  return {
    ...goal,
    measured: `${shown(times)} (${shown(median(ours))}/s, theirs ${shown(median(theirs))}/s)`,
    met: times >= WANTED_OF_PEER,
  };
}
