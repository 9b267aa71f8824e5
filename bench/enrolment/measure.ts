import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_POSTGRES, startPostgres } from '../../test/fakes/throwaway-postgres.ts';
import { startChild } from '../processes/child.ts';
import type { Chapter, Table } from '../report/chapter.ts';
import { median, ratioOfRounds, shown } from '../report/figures.ts';
import type { EnrolmentProcess, EnrolmentRoundResult } from './enrolment-process.ts';
import type { Store } from './parts.ts';
import type { Price } from './prices.ts';

const ROUNDS = 20;
/** Of one round: few, so that a round and its prices see the same machine. */
const PEOPLE = 4;
/** The compiler needs some to see what is hot, as a bridge has that has run for a while. */
const WARM_UP = 40;
const AT_ONCE = 8;
const WANTED_RATIO = 0.7;
/** The least that any enrolment needs; the wider list has all that ours does, its transform and VRF proofs too. */
const LEAST = new Set([
  'schnorrVerify',
  'augmentTransformKey',
  'augmentPublicKey',
  'Ed25519 verify',
  'Ed25519 sign',
  'Ed25519 key check',
  'durable commit',
]);

/** One store's rounds; the lists are as long as there were rounds. */
interface Measured {
  readonly store: string;
  readonly alone: readonly EnrolmentRoundResult[];
  readonly together: readonly EnrolmentRoundResult[];
  /** Of each thing that an enrolment does. */
  readonly prices: readonly ReadonlyMap<string, Price>[];
  readonly pricesInARow: readonly ReadonlyMap<string, Price>[];
}

/** Enrolments against what their own primitives cost, on each store that is found. */
export async function measureEnrolments(say: (line: string) => void): Promise<Chapter> {
  const measured = [await onSqlite(say)];
  if (NO_POSTGRES === undefined) measured.push(await onPostgres(say));
  else say(`enrolment: not measured on PostgreSQL: ${NO_POSTGRES}`);
  return describe(measured);
}

async function onSqlite(say: (line: string) => void): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  try {
    return await measureStore('SQLite', { driver: 'sqlite', path: join(folder, 'bridge.db') }, say);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function onPostgres(say: (line: string) => void): Promise<Measured> {
  const server = await startPostgres();
  try {
    return await measureStore('PostgreSQL', { driver: 'postgres', url: server.url() }, say);
  } finally {
    await server.stop();
  }
}

async function measureStore(name: string, store: Store, say: (line: string) => void): Promise<Measured> {
  say(`enrolment: ${name}`);
  const child = startChild<EnrolmentProcess>('./enrolment-process', import.meta.url);
  try {
    await child.ask('open', store);
    const warm = await child.ask('enrol', { people: WARM_UP, atOnce: 2 });
    const things = [...warm.counts.keys()];
    await child.ask('price', { things, order: 'in turns' });
    const measured = {
      alone: [] as EnrolmentRoundResult[],
      together: [] as EnrolmentRoundResult[],
      prices: [] as ReadonlyMap<string, Price>[],
      pricesInARow: [] as ReadonlyMap<string, Price>[],
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      measured.alone.push(await child.ask('enrol', { people: PEOPLE, atOnce: 1 }));
      measured.prices.push(await child.ask('price', { things, order: 'in turns' }));
      measured.pricesInARow.push(await child.ask('price', { things, order: 'in a row' }));
      measured.together.push(await child.ask('enrol', { people: 2 * AT_ONCE, atOnce: AT_ONCE }));
    }
    return { store: name, ...measured };
  } finally {
    await child.end();
  }
}

type Clock = keyof Price;

/** What an enrolment of this round would take if it consisted of its primitives alone, or of these, milliseconds. */
function allowed(
  round: EnrolmentRoundResult,
  prices: ReadonlyMap<string, Price> | undefined,
  clock: Clock = 'ms',
  only?: ReadonlySet<string>,
): number {
  let sum = 0;
  for (const [thing, count] of round.counts)
    if (only?.has(thing) ?? true) sum += count * (prices?.get(thing)?.[clock] ?? Number.NaN);
  return sum;
}

/** The rate that was reached, as a part of the rate that the primitives allow. */
function ratio(
  rounds: readonly EnrolmentRoundResult[],
  prices: Measured['prices'],
  clock: Clock = 'ms',
  only?: ReadonlySet<string>,
): number {
  return ratioOfRounds(
    rounds.map((round, index) => allowed(round, prices[index], clock, only)),
    rounds.map((round) => round[clock]),
  );
}

function describe(stores: readonly Measured[]): Chapter {
  return {
    title: 'Enrolment',
    text:
      'Both steps of an enrolment at the bridge’s services, without HTTP and without what the client does in ' +
      'between. Everything that costs is counted while it happens: each call of the proxy re-encryption, each ' +
      'Ed25519 operation, each VRF proof for the key log, each transaction that wrote. Each of these is also timed alone, ' +
      'in the same process, one after the other and in turn with the enrolments; counts times prices are what the ' +
      'primitives allow, one after the other. Transform and VRF proofs have threads of their own, as in any bridge. ' +
      `${ROUNDS} rounds of ${PEOPLE} after ${WARM_UP} to begin with, medians. The transform puts the ` +
      'vault through the new transform key once, so that a key that would not work is refused at once. ' +
      `${AT_ONCE} at once share processor and disk; their commits may be grouped by the store.`,
    tables: stores.flatMap((measured) => [rates(measured), arithmetic(measured)]),
    goals: stores.flatMap(({ store, alone, prices, pricesInARow }) => [
      {
        name: `Enrolment on ${store}: part of what its primitives allow`,
        wanted: `at least ${WANTED_RATIO}`,
        measured: `${shown(ratio(alone, prices))} (${shown(ratio(alone, prices, 'cpuMs'))} by CPU time)`,
        met: ratio(alone, prices) >= WANTED_RATIO,
      },
      {
        name: 'The same where each primitive is timed again and again by itself, with the caches to itself',
        wanted: 'reported',
        measured: shown(ratio(alone, pricesInARow)),
        met: null,
      },
      {
        name: 'The same against Schnorr verification, augmentation, Ed25519 and durable commits alone',
        wanted: 'reported',
        measured: shown(ratio(alone, prices, 'ms', LEAST)),
        met: null,
      },
    ]),
  };
}

function rates({ store, alone, together, prices }: Measured): Table {
  const row = (name: string, rounds: readonly EnrolmentRoundResult[]) => [
    name,
    shown(median(rounds.map(({ ms }) => 1000 / ms))),
    shown(median(rounds.map((round, index) => 1000 / allowed(round, prices[index])))),
    shown(ratio(rounds, prices)),
    shown(median(rounds.map(({ cpuMs }) => cpuMs))),
    shown(median(rounds.map((round, index) => allowed(round, prices[index], 'cpuMs')))),
  ];
  return {
    head: [store, 'enrolments/s', 'its primitives allow', 'ratio', 'CPU ms each', 'of its primitives'],
    rows: [row('one at a time', alone), row(`${AT_ONCE} at once`, together)],
  };
}

function arithmetic({ store, alone, prices }: Measured): Table {
  const [first] = prices;
  const rows = [...(first?.keys() ?? [])].map((thing) => {
    const count = median(alone.map(({ counts }) => counts.get(thing) ?? 0));
    const each = median(prices.map((round) => round.get(thing)?.ms ?? Number.NaN));
    return { thing, count, each, ms: count * each };
  });
  rows.sort((a, b) => b.ms - a.ms);
  return {
    head: [`what an enrolment does, ${store}`, 'times', 'ms each', 'ms'],
    rows: rows.map(({ thing, count, each, ms }) => [thing, shown(count), shown(each), shown(ms)]),
  };
}
