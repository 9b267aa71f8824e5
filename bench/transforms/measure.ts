import { startChild } from '../processes/child.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, percentile, ratioOfRounds, shown } from '../report/figures.ts';
import type { PoolProcess, PoolRound } from './pool-process.ts';
import type { Revocation, RevocationProcess } from './revocation-process.ts';

const ROUNDS = 7;
const ROUND_MS = 2_000;
const REVOCATIONS = 100;
/** Of a process that has just begun. */
const WARM_UP = 5;
const WANTED_PART = 0.9;
const WANTED_LAG_MS = 20;
const WANTED_REVOCATION_MS = 50;

interface Pool {
  readonly workers: number;
  readonly engine: string;
  readonly alone: readonly number[];
  /** The engine alone in as many processes as there are workers, all at the same time: what the machine has. */
  readonly atOnce: readonly number[];
  readonly rounds: readonly PoolRound[];
}

/** The transform workers at full load, and how soon a revocation is felt. */
export async function measureTransforms(say: (line: string) => void): Promise<Chapter> {
  const pool = await measurePool(say);
  const revocations = await measureRevocations(say);
  return describe(pool, revocations);
}

async function measurePool(say: (line: string) => void): Promise<Pool> {
  const child = startChild<PoolProcess>('./pool-process', import.meta.url);
  const others: (typeof child)[] = [];
  try {
    const { workers, engine } = await child.ask('begin', undefined);
    while (others.length + 1 < workers) {
      const other = startChild<PoolProcess>('./pool-process', import.meta.url);
      others.push(other);
      await other.ask('begin', undefined);
    }
    const alone: number[] = [];
    const atOnce: number[] = [];
    const rounds: PoolRound[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await child.ask('alone', ROUND_MS));
      const rates = await Promise.all([child, ...others].map((each) => each.ask('alone', ROUND_MS)));
      atOnce.push(rates.reduce((sum, rate) => sum + rate, 0));
      rounds.push(await child.ask('pool', ROUND_MS));
    }
    say(`transforms: ${ROUNDS} rounds with ${workers} threads`);
    return { workers, engine, alone, atOnce, rounds };
  } finally {
    await Promise.all([child, ...others].map((each) => each.end()));
  }
}

interface Revocations {
  readonly home: readonly Revocation[];
  readonly partner: readonly Revocation[];
}

async function measureRevocations(say: (line: string) => void): Promise<Revocations> {
  const child = startChild<RevocationProcess>('./revocation-process', import.meta.url);
  try {
    await child.ask('begin', undefined);
    const home: Revocation[] = [];
    const partner: Revocation[] = [];
    for (let round = 0; round < WARM_UP + REVOCATIONS; round += 1) {
      const [here, there] = [
        await child.ask('revokeAtHome', undefined),
        await child.ask('revokePartner', undefined),
      ];
      if (round < WARM_UP) continue;
      home.push(here);
      partner.push(there);
    }
    say(`transforms: ${REVOCATIONS} revocations at home and of a partner’s member`);
    return { home, partner };
  } finally {
    await child.end();
  }
}

function describe({ workers, engine, alone, atOnce, rounds }: Pool, { home, partner }: Revocations): Chapter {
  const rates = rounds.map(({ transformsPerSecond }) => transformsPerSecond);
  const part = ratioOfRounds(
    rates,
    alone.map((rate) => rate * workers),
  );
  const lag = Math.max(...rounds.map(({ lagP99 }) => lagP99));
  const refusal = percentile(
    home.map(({ refusedMs }) => refusedMs),
    99,
  );
  return {
    title: 'Transforms',
    text:
      `Transforms of one hop (${engine}) in ${workers} worker threads with 16 jobs kept waiting, against the engine alone on one ` +
      `thread; ${ROUNDS} rounds of ${ROUND_MS} ms each, by turns. The engine alone in ${workers} processes at the same time is ` +
      `what the machine allows. The lag is that of the event loop which feeds the threads. ` +
      `A revocation is the removal of a member: from the request of the admin’s app to the refusal of the member’s next ` +
      `opening, over HTTPS, with both bridges and both apps in one process; ${REVOCATIONS} times each.`,
    tables: [
      {
        head: ['transforms', 'median'],
        rows: [
          ['engine alone, one thread: per second', shown(median(alone))],
          [`engine alone, ${workers} processes at once: per second`, shown(median(atOnce))],
          [`pool of ${workers}: per second`, shown(median(rates))],
          ['event loop’s lag, p50, ms', shown(median(rounds.map(({ lagP50 }) => lagP50)))],
          ['event loop’s lag, p99, ms', shown(median(rounds.map(({ lagP99 }) => lagP99)))],
          ['event loop’s lag, longest, ms', shown(Math.max(...rounds.map(({ lagMax }) => lagMax)))],
        ],
      },
      {
        head: ['revocation of', 'removed, p50, ms', 'refused, p50, ms', 'refused, p99, ms'],
        rows: [revocationRow('a member at home', home), revocationRow('a partner’s member', partner)],
      },
    ],
    goals: [
      {
        name: `Transforms per second: part of ${workers} cores × the engine’s own single-thread rate`,
        wanted: `at least ${WANTED_PART}`,
        measured: `${shown(part)} (${shown(median(rates))}/s)`,
        met: part >= WANTED_PART,
      },
      {
        name: 'Event loop’s lag at full transform load, p99 of the worst round',
        wanted: `less than ${WANTED_LAG_MS} ms`,
        measured: `${shown(lag)} ms`,
        met: lag < WANTED_LAG_MS,
      },
      {
        name: 'Revocation: from the request to the refusal of the next transform, p99',
        wanted: `less than ${WANTED_REVOCATION_MS} ms`,
        measured: `${shown(refusal)} ms`,
        met: refusal < WANTED_REVOCATION_MS,
      },
    ],
  };
}

function revocationRow(name: string, revocations: readonly Revocation[]): string[] {
  const removed = revocations.map(({ removedMs }) => removedMs);
  const refused = revocations.map(({ refusedMs }) => refusedMs);
  return [name, shown(median(removed)), shown(median(refused)), shown(percentile(refused, 99))];
}
