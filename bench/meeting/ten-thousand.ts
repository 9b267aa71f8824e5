import { startChild } from '../processes/child.ts';
import type { Chapter, Goal, Table } from '../report/chapter.ts';
import { median, shown } from '../report/figures.ts';
import type { CompaniesProcess } from './companies-process.ts';
import { type Joining, measureJoining, type StepCost } from './joining.ts';
import type { Spread } from './removing.ts';

/** Devices of each company: as many streams as one process takes. */
const EACH = 5_000;
const REMOVALS = 5;

/**
 * Ten thousand devices join, with all that a join is. It takes some fifteen minutes of two cores, so it is measured only when it is
 * asked for, and stays on the page until then.
 */
export async function measureTenThousand(say: (line: string) => void, each = EACH): Promise<Chapter> {
  const companies = startChild<CompaniesProcess>('./companies-process', import.meta.url);
  try {
    await companies.ask('open', undefined);
    say(`joining: ${2 * each} devices`);
    return describe(await measureJoining(companies, each, { removals: REMOVALS, say }));
  } finally {
    await companies.end();
  }
}

function describe(joining: Joining): Chapter {
  const devices = joining.devices.toLocaleString('en-US');
  return {
    title: `${devices} devices join a meeting`,
    text:
      `${JOINING_TEXT} Two bridges and the host’s client are one process, the devices of each company one more, and all of ` +
      `them share the machine. Then ${joining.removals.length} are removed, one by one, while all others listen.`,
    tables: [joiningTable(joining), removalsTable(devices, joining.removals)],
    goals: [joiningGoal(joining), removalGoal(devices, joining.removals)],
  };
}

/** One of so many devices is removed. */
export function removalsTable(devices: string, removals: readonly Spread[]): Table {
  const row = (name: string, of: (spread: Spread) => number) => [
    ...[name, shown(median(removals.map(of))), shown(Math.max(...removals.map(of)))],
  ];
  return {
    head: [`one of ${devices} is removed`, 'median', 'most'],
    rows: [
      row('sealing the new key, ms of the host’s CPU', ({ sent }) => sent.sealCpuMs),
      row('bytes of the sealed key', ({ sent }) => sent.bytes.sealed),
      row('bytes of the message', ({ sent }) => sent.bytes.token),
      row('until the bridge has stored it, ms', ({ answered }) => answered),
      row('until the last device at home has it, ms', ({ home }) => home.received),
      row('until the last one at the partner has it, ms', ({ partner }) => partner.received),
      row('until the last of all has the new key, ms', lastKey),
    ],
  };
}

export function removalGoal(devices: string, removals: readonly Spread[]): Goal {
  return {
    name: `One of ${devices} is removed: until the last of the others has the new key`,
    wanted: 'reported',
    measured: `${shown(median(removals.map(lastKey)))} ms`,
    met: null,
  };
}

const lastKey = ({ home, partner }: Spread) => Math.max(home.key, partner.key);

/** What every device of the bench does to join. */
export const JOINING_TEXT =
  'A durable group of each company is in the meeting, and everybody is in one of them. A device asks who it is (its credential, ' +
  'with the proof of the key log), where the meeting stands, for the meeting’s key (transformed by the bridge of the meeting ' +
  'and by its own), proves its presence and opens a stream of its own over a new connection; sixteen of each company do so ' +
  'at a time. When all have entered, the host gives them their places, 200 a message, and every device hears every message ' +
  'and computes every key. The host does not verify who is there (the chapter on verification has what that takes).';

export function joiningTable({ devices, host, ...took }: Joining): Table {
  const each = (ms: number) => shown(ms / devices);
  return {
    head: [
      'devices',
      'all have entered, s',
      'all in their places, s',
      'CPU to enter, ms each',
      'CPU for places, ms each',
    ],
    rows: [
      [
        devices.toLocaleString('en-US'),
        ...[took.enteredMs, took.placedMs].map((ms) => shown(ms / 1000)),
        ...[took.enteredCpuMs, took.placedCpuMs].map(each),
      ],
      [
        'of it the host',
        '',
        '',
        `${host.messages} messages, ${shown(host.bytes / 1000)} kB`,
        each(host.cpuMs),
      ],
    ],
  };
}

export function joiningGoal({ devices, placedMs, enteredCpuMs, placedCpuMs }: Joining): Goal {
  const cpu = shown((enteredCpuMs + placedCpuMs) / devices);
  return {
    name: `The joining of ${devices.toLocaleString('en-US')} devices over two bridges, to the last in its place`,
    wanted: 'reported',
    measured: `${shown(placedMs / 1000)} s (${cpu} ms of the bridges’ CPU for each)`,
    met: null,
  };
}

const STEP_NAMES: Readonly<Record<StepCost['step'], string>> = {
  me: 'its own credential',
  state: 'where the meeting stands',
  key: 'the meeting’s key',
  presence: 'proof of presence',
  stream: 'a stream, with its connection',
};

export function stepsTable(costs: readonly StepCost[]): Table {
  const sum = (of: (cost: StepCost) => number) => shown(costs.reduce((total, cost) => total + of(cost), 0));
  return {
    head: ['a device joins: CPU of both bridges, ms', 'at the meeting’s bridge', 'at a partner’s'],
    rows: [
      ...costs.map(({ step, home, partner }) => [STEP_NAMES[step], shown(home), shown(partner)]),
      ['all', sum(({ home }) => home), sum(({ partner }) => partner)],
    ],
  };
}
