import { newId } from '../../bridge/lib/ids.ts';
import { foundCompany } from '../company/company.ts';
import type { BridgeProcess } from '../look-up/bridge-process.ts';
import { checkAnswer } from '../look-up/check-answer.ts';
import type { LoadProcess, Target } from '../look-up/load-process.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, percentile, ratioOfRounds, shown } from '../report/figures.ts';
import type { DecisionProcess, DecisionTimes } from './decision-process.ts';

const PEOPLE = 10_000;
const DECISIONS = 1_000;
const CONNECTIONS = 64;
const ROUNDS = 9;
const ROUND_MS = 1_500;
const WANTED_RATIO = 0.85;
const WANTED_MISS_MS = 0.2;

/** What deciding costs: alone, and of look-ups, by the policies that the bridge comes with. */
export async function measurePolicy(say: (line: string) => void): Promise<Chapter> {
  const times = await measureDecisions(say);
  say(`policy: founding a company of ${PEOPLE} people`);
  const company = await foundCompany(PEOPLE);
  const bridge = startChild<BridgeProcess>('../look-up/bridge-process', import.meta.url);
  const load = startChild<LoadProcess>('../look-up/load-process', import.meta.url);
  try {
    await bridge.ask('start', { configPath: company.configPath });
    const { asker, host, ca, issuer: origin, port } = company;
    const body = JSON.stringify({ request_id: newId(), addresses: company.addresses.slice(0, 1) });
    const target: Target = { ...{ host, ca, origin, port, asker }, path: '/v1/lookups', body };
    await checkAnswer(company, body, await load.ask('once', target));
    const round = (ms: number) =>
      load.ask('run', { target, connections: CONNECTIONS, ms, requestsAtMost: 8_000 });
    await round(6_000);
    say('policy: look-ups, with the policy and without by turns');
    return describe(times, await byTurns(bridge, () => round(ROUND_MS)));
  } finally {
    await Promise.all([load.end(), bridge.end()]);
    await company.remove();
  }
}

async function measureDecisions(say: (line: string) => void): Promise<DecisionTimes> {
  say('policy: decisions alone');
  const child = startChild<DecisionProcess>('./decision-process', import.meta.url);
  try {
    await child.ask('decide', DECISIONS);
    return await child.ask('decide', DECISIONS);
  } finally {
    await child.end();
  }
}

/** Look-ups a second. */
interface Rates {
  readonly decided: number[];
  readonly undecided: number[];
}

async function byTurns(
  bridge: Child<BridgeProcess>,
  run: () => Promise<{ readonly requests: number; readonly seconds: number }>,
): Promise<Rates> {
  const rates: Rates = { decided: [], undecided: [] };
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const side of ['decided', 'undecided'] as const) {
      await bridge.ask('decides', side === 'decided');
      const { requests, seconds } = await run();
      rates[side].push(requests / seconds);
    }
  }
  return rates;
}

function describe({ misses, hits }: DecisionTimes, { decided, undecided }: Rates): Chapter {
  const ratio = ratioOfRounds(decided, undecided);
  const miss = percentile([...misses], 50);
  const row = (name: string, times: readonly number[]) => [
    name,
    shown(1000 * percentile([...times], 50)),
    shown(1000 * percentile([...times], 99)),
    shown(1000 / median(times)),
  ];
  return {
    title: 'Policy',
    text:
      `Decisions by the policies that the bridge comes with, ${misses.length.toLocaleString('en')} of nine kinds, one ` +
      'after the other: each asked of the engine anew, and each answered from what was decided before. Then look-ups of ' +
      `one address by an endorsed device in a company of ${PEOPLE.toLocaleString('en')} people, ${CONNECTIONS} ` +
      'connections, in one bridge that decides by its policy and allows everything without asking it by turns; what is ' +
      `allowed is recorded in the first case only. ${ROUNDS} rounds of ${ROUND_MS} ms each, medians.`,
    tables: [
      {
        head: ['one decision', 'p50 µs', 'p99 µs', 'decisions/s'],
        rows: [row('asked of the engine', misses), row('remembered', hits)],
      },
      {
        head: ['look-ups of one address', 'look-ups/s'],
        rows: [
          ['decided by the policy', shown(median(decided))],
          ['allowed without it', shown(median(undecided))],
        ],
      },
    ],
    goals: [
      {
        name: 'Look-ups under the default policies: part of the rate without any decision',
        wanted: `at least ${WANTED_RATIO}`,
        measured: shown(ratio),
        met: ratio >= WANTED_RATIO,
      },
      {
        name: 'A decision that nothing remembered answers, p50',
        wanted: `less than ${WANTED_MISS_MS} ms`,
        measured: `${shown(miss)} ms`,
        met: miss < WANTED_MISS_MS,
      },
    ],
  };
}
