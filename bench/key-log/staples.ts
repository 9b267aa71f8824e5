import type { BridgeProcess } from '../look-up/bridge-process.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { Chapter, Goal } from '../report/chapter.ts';
import { median, percentile, ratioOfRounds, shown } from '../report/figures.ts';
import { assertStapled } from './check-staples.ts';
import { type KeyServer, startKeyServer } from './key-server.ts';
import type { RequestProcess, RequestResult } from './request-process.ts';
import { foundWitnessedCompany, type WitnessedCompany } from './witnessed-company.ts';

const PEOPLE = 1_000;
const BATCHES = [1, 10, 100, 1_000];
/** The compiler needs thousands of requests to see what is hot. */
const WARMING = [1, 100];
const WARMING_MS = 4_000;
const CONNECTIONS = 64;
/** Enough for the age-keyserver's addresses to differ from one request to the next. */
const KEYS = 256;
const ROUNDS = 5;
const ROUND_MS = 2_000;
/** Requests of a round at most: their proofs are made before the clock starts. */
const REQUESTS = 4_000;
const WANTED = 2;

interface Rounds {
  /** By the addresses of a request. */
  readonly ours: ReadonlyMap<number, RequestResult[]>;
  readonly peer: RequestResult[];
}

/** Look-ups whose answers carry the whole log proof; age-keyserver's, which do too, by turns. */
export async function measureStaples(say: (line: string) => void): Promise<Chapter> {
  say(`staples: founding a company of ${PEOPLE} people`);
  const company = await foundWitnessedCompany(PEOPLE + 1);
  const bridge = startChild<BridgeProcess>('../look-up/bridge-process', import.meta.url);
  const load = startChild<RequestProcess>('./request-process', import.meta.url);
  let server: KeyServer | string = 'It was not started.';
  try {
    server = await startKeyServer();
    if (typeof server === 'string') say(`staples: there is no age-keyserver here. ${server}`);
    else await load.ask('run', { ...aimAt(server), requests: await server.settings(KEYS), ms: null });
    await bridge.ask('start', { configPath: company.configPath });
    say('staples: warming up');
    await assertStapled(company, (await askOurs(load, company, 1, 1)).answer);
    for (const size of WARMING) await askOurs(load, company, size, WARMING_MS);
    if (typeof server !== 'string') await askTheirs(load, server);
    const rounds: Rounds = { ours: new Map(BATCHES.map((size) => [size, []])), peer: [] };
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(`staples: round ${round} of ${ROUNDS}`);
      for (const [size, results] of rounds.ours) results.push(await askOurs(load, company, size, ROUND_MS));
      if (typeof server !== 'string') rounds.peer.push(await askTheirs(load, server));
    }
    return describe(rounds, typeof server === 'string' ? server : null);
  } finally {
    await Promise.all([load.end(), bridge.end()]);
    if (typeof server !== 'string') await server.stop();
    await company.remove();
  }
}

function aimAt({ peer }: KeyServer) {
  return { peer, connections: CONNECTIONS };
}

function askTheirs(load: Child<RequestProcess>, server: KeyServer): Promise<RequestResult> {
  return load.ask('run', { ...aimAt(server), requests: server.lookUps(), ms: ROUND_MS });
}

function askOurs(
  load: Child<RequestProcess>,
  company: WitnessedCompany,
  size: number,
  ms: number,
): Promise<RequestResult> {
  const { issuer: origin, host, port, ca, asker, addresses } = company;
  const batches = Array.from({ length: PEOPLE / size }, (_, batch) =>
    addresses.slice(batch * size, (batch + 1) * size),
  );
  const requests = { origin, asker, batches, count: Math.max(CONNECTIONS, REQUESTS / size) };
  return load.ask('run', { peer: { host, port, ca }, connections: CONNECTIONS, requests, ms });
}

function describe({ ours, peer }: Rounds, missing: string | null): Chapter {
  const rates = (results: readonly RequestResult[], size = 1) =>
    results.map(({ perSecond }) => perSecond * size);
  const row = (name: string, size: number, results: readonly RequestResult[]) => [
    name,
    shown(median(rates(results, size))),
    shown(median(rates(results))),
    shown(median(results.map(({ latencies }) => median([...latencies])))),
    shown(median(results.map(({ latencies }) => percentile([...latencies], 99)))),
    `${shown(100 * median(results.map(({ cpu }) => cpu)))} %`,
  ];
  const named = (size: number) => `${size.toLocaleString('en-US')} ${size === 1 ? 'address' : 'addresses'}`;
  return {
    title: 'Look-ups with log proofs',
    text:
      `${PEOPLE} people in turn, ${CONNECTIONS} connections that are kept. Every credential carries its log proof in a ` +
      'checkpoint that one witness has cosigned. The two sides do not do the same. Ours is `POST /v1/lookups` over ' +
      'HTTPS by an endorsed device: the bridge verifies a DPoP proof, decides by policy, has an event of each address ' +
      'on disk before it answers, and signs the answer. ' +
      (missing === null
        ? `age-keyserver’s is \`GET /api/lookup\` over HTTP, by anybody, of ${KEYS} addresses: it reads a stored key ` +
          'with its proof, which a witness has cosigned too; nothing is authenticated, decided, recorded, or signed. ' +
          `Rounds of ${ROUND_MS} ms by turns; medians.`
        : `age-keyserver was not measured: ${missing}`),
    tables: [
      {
        head: ['addresses a request', 'addresses/s', 'requests/s', 'p50 ms', 'p99 ms', 'load’s own CPU'],
        rows: [
          ...[...ours].map(([size, results]) => row(`bridge, ${named(size)}`, size, results)),
          ...(peer.length === 0 ? [] : [row('age-keyserver, 1 address', 1, peer)]),
        ],
      },
    ],
    goals: [...ours].map(([size, results]) => goalOf(named(size), rates(results, size), rates(peer))),
  };
}

function goalOf(asked: string, ours: readonly number[], theirs: readonly number[]): Goal {
  const goal = {
    name: `Look-ups with log proofs, ${asked} a request: addresses a second, times age-keyserver’s`,
    wanted: `at least ${WANTED}, where it is installed`,
  };
  if (theirs.length === 0) return { ...goal, measured: 'it is not installed', met: null };
  const times = ratioOfRounds(ours, theirs);
  return {
    ...goal,
    measured: `${shown(times)} (${shown(median(ours))}/s, theirs ${shown(median(theirs))}/s)`,
    met: times >= WANTED,
  };
}
