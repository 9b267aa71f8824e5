import { newId } from '../../bridge/lib/ids.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { type Company, foundCompany } from '../company/company.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, percentile, ratioOfRounds, shown } from '../report/figures.ts';
import type { BridgeProcess } from './bridge-process.ts';
import { checkAnswer } from './check-answer.ts';
import type { LoadProcess, LoadResult, Target } from './load-process.ts';
import type { ReferenceProcess } from './reference-process.ts';

const BATCH = 1_000;
const RAMP = [1, 4, 16, 64];
/** Many enough that the server has something to do while others wait for the disk. */
const CONNECTIONS = 64;
const ROUNDS = 7;
const ROUND_MS = 1_500;
const WANTED_RATIO = 0.7;

/** One server under load, for one round. */
interface Round extends LoadResult {
  readonly perSecond: number;
  /** CPU time of the server, milliseconds a request. */
  readonly serverMs: number;
  /** Ed25519 signatures of the server, a request. */
  readonly signed: number;
}

interface Measured {
  readonly bridge: readonly Round[];
  readonly reference: readonly Round[];
}

/** Look-ups by one endorsed device over HTTPS, bridge and reference by turns. */
export async function measureLookUps(say: (line: string) => void): Promise<Chapter> {
  say(`look-up: founding a company of ${BATCH} people`);
  const company = await foundCompany(BATCH + 1);
  const bridge = startChild<BridgeProcess>('./bridge-process', import.meta.url);
  const reference = startChild<ReferenceProcess>('./reference-process', import.meta.url);
  const load = startChild<LoadProcess>('./load-process', import.meta.url);
  try {
    await bridge.ask('start', { configPath: company.configPath });
    const targets = await aim(company, { bridge, reference, load });
    const rounds = (side: 'bridge' | 'reference', kind: 'one' | 'batch') => (plan: RoundPlan) =>
      runRound(load, side === 'bridge' ? bridge : reference, targets[side][kind], plan);
    await warmUp([rounds('bridge', 'one'), rounds('reference', 'one'), rounds('reference', 'batch')]);

    const ramp: [number, Round][] = [];
    for (const connections of RAMP) {
      say(`look-up: one address, ${connections} connections`);
      ramp.push([connections, await rounds('bridge', 'one')({ connections, ms: 1_000, atMost: 6_000 })]);
    }
    say('look-up: one address, bridge and reference by turns');
    const one = await byTurns(rounds('bridge', 'one'), rounds('reference', 'one'), ROUNDS, {
      ...{ connections: CONNECTIONS, ms: ROUND_MS, atMost: 8_000 },
    });
    say(`look-up: ${BATCH} addresses, bridge and reference by turns`);
    const batch = await byTurns(rounds('bridge', 'batch'), rounds('reference', 'batch'), 5, {
      ...{ connections: 4, ms: ROUND_MS, atMost: 400 },
    });
    return describe({ ramp, one, batch, firstSigned: targets.firstSigned });
  } finally {
    await Promise.all([load.end(), reference.end(), bridge.end()]);
    await company.remove();
  }
}

interface Processes {
  readonly bridge: Child<BridgeProcess>;
  readonly reference: Child<ReferenceProcess>;
  readonly load: Child<LoadProcess>;
}

/** Has the bridge answer each look-up once, holds the answer to what it must be, and gives its bytes to the reference. */
async function aim(company: Company, { bridge, reference, load }: Processes) {
  const path = '/v1/lookups';
  const bodyOf = (addresses: readonly string[]) => JSON.stringify({ request_id: newId(), addresses });
  const { asker, host, ca, issuer: origin } = company;
  const ofBridge = { host, ca, origin, port: company.port, path, asker };
  const one = { ...ofBridge, body: bodyOf(company.addresses.slice(0, 1)) };
  const batch = { ...ofBridge, body: bodyOf(company.addresses.slice(1)) };
  const batchPath = `${path}/batch`;
  const first = await checkAnswer(company, one.body, await load.ask('once', one));
  const before = await bridge.ask('usage', undefined);
  const firstBatch = await load.ask('once', batch);
  const firstSigned = (await bridge.ask('usage', undefined)).signed - before.signed;
  const answers = { [path]: first, [batchPath]: await checkAnswer(company, batch.body, firstBatch) };

  const port = await freePort();
  const ofReference = { ...ofBridge, port, origin: `https://${host}:${port}` };
  const { accessToken } = asker;
  await reference.ask('start', { port, tls: company.tls, answers, origin: ofReference.origin, accessToken });
  return {
    firstSigned,
    bridge: { one, batch },
    reference: {
      one: { ...ofReference, body: one.body },
      batch: { ...ofReference, body: batch.body, path: batchPath },
    },
  };
}

interface RoundPlan {
  readonly connections: number;
  readonly ms: number;
  readonly atMost: number;
}

type RunRound = (plan: RoundPlan) => Promise<Round>;

async function runRound(
  load: Child<LoadProcess>,
  server: Child<Pick<BridgeProcess, 'usage'>>,
  target: Target,
  { connections, ms, atMost }: RoundPlan,
): Promise<Round> {
  const before = await server.ask('usage', undefined);
  const result = await load.ask('run', { target, connections, ms, requestsAtMost: atMost });
  const after = await server.ask('usage', undefined);
  return {
    ...result,
    perSecond: result.requests / result.seconds,
    serverMs: (after.cpuMs - before.cpuMs) / result.requests,
    signed: (after.signed - before.signed) / result.requests,
  };
}

async function warmUp(rounds: readonly RunRound[]): Promise<void> {
  // The compiler needs thousands of requests to see what is hot.
  for (const round of rounds) await round({ connections: 16, ms: 4_000, atMost: 8_000 });
}

async function byTurns(
  bridge: RunRound,
  reference: RunRound,
  count: number,
  plan: RoundPlan,
): Promise<Measured> {
  const measured = { bridge: [] as Round[], reference: [] as Round[] };
  for (let round = 0; round < count; round += 1) {
    measured.bridge.push(await bridge(plan));
    measured.reference.push(await reference(plan));
  }
  return measured;
}

const of = (rounds: readonly Round[], read: (round: Round) => number) => median(rounds.map(read));
const perSecond = (rounds: readonly Round[]) => rounds.map((round) => round.perSecond);
const ratio = ({ bridge, reference }: Measured) => ratioOfRounds(perSecond(bridge), perSecond(reference));
const cpuRatio = ({ bridge, reference }: Measured) =>
  ratioOfRounds(
    reference.map((round) => round.serverMs),
    bridge.map((round) => round.serverMs),
  );

function describe(found: {
  ramp: readonly [number, Round][];
  one: Measured;
  batch: Measured;
  firstSigned: number;
}): Chapter {
  const { ramp, one, batch, firstSigned } = found;
  const row = (name: string, rounds: readonly Round[]) => [
    name,
    shown(of(rounds, (round) => round.perSecond)),
    shown(of(rounds, (round) => median([...round.latencies]))),
    shown(of(rounds, (round) => percentile([...round.latencies], 99))),
    shown(of(rounds, (round) => round.serverMs)),
    shown(of(rounds, (round) => round.signed)),
    `${shown(100 * of(rounds, (round) => round.cpuMs / round.seconds / 1000))} %`,
  ];
  const head = (what: string) => [
    ...[what, 'look-ups/s', 'p50 ms', 'p99 ms', 'server CPU ms', 'signatures', 'load’s own CPU'],
  ];
  const credentials = (rounds: readonly Round[]) => shown(BATCH * of(rounds, (round) => round.perSecond));
  const signedPerBatch = of(batch.bridge, (round) => round.signed);
  return {
    title: 'Look-up',
    text:
      '`POST /v1/lookups` of own addresses by an endorsed device, over HTTPS with connections that are kept, ' +
      'every request with a DPoP proof of its own. Bridge, reference and load are three processes on one machine. ' +
      'The reference has the same HTTP stack and does the least that any bridge must: it verifies the proof, signs ' +
      'the bytes that the bridge answered, and sends them. The event of each look-up is on disk before the ' +
      `bridge’s answer leaves; the reference stores nothing. Rounds of ${ROUND_MS} ms by turns; medians. ` +
      `The first look-up of ${BATCH} people by a device cost ${firstSigned} signatures, each later one ` +
      `${shown(signedPerBatch)}: a credential is signed once for half of its life.`,
    tables: [
      {
        head: head(`one address, ${CONNECTIONS} connections`),
        rows: [row('bridge', one.bridge), row('reference', one.reference)],
      },
      {
        head: head('one address, bridge alone'),
        rows: ramp.map(([connections, round]) => row(`${connections} connections`, [round])),
      },
      {
        head: head(`${BATCH} addresses, 4 connections`),
        rows: [row('bridge', batch.bridge), row('reference', batch.reference)],
      },
    ],
    goals: [
      {
        name: 'Look-up of one address: part of the reference’s rate',
        wanted: `at least ${WANTED_RATIO}`,
        measured: shown(ratio(one)),
        met: ratio(one) >= WANTED_RATIO,
      },
      {
        name: 'The same by the CPU time that a look-up needs, without waits for disk and other processes',
        wanted: 'reported',
        measured: shown(cpuRatio(one)),
        met: null,
      },
      {
        name: `Look-up of ${BATCH} addresses: credentials per second`,
        wanted: 'reported',
        measured: `${credentials(batch.bridge)} (${shown(ratio(batch))} of the reference’s ${credentials(batch.reference)})`,
        met: null,
      },
      {
        name: 'Signatures of a repeated look-up',
        wanted: '1: the answer alone',
        measured: `${shown(of(one.bridge, (round) => round.signed))} for one address, ${shown(signedPerBatch)} for ${BATCH}`,
        met: signedPerBatch === 1,
      },
    ],
  };
}
