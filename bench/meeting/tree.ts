import { startChild } from '../processes/child.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, shown } from '../report/figures.ts';
import type { Growth, HostCost, Removal, TreeProcess } from './tree-process.ts';

const SIZES = [10, 100, 1_000, 10_000];
const REMOVALS = 5;
/** Removals of the smallest meeting that warm the process up, so that its figure is not that of a cold one. */
const WARM_UP = 100;
const WANTED_MS = 5;
const WANTED_BYTES = 4_000;

interface Measured {
  readonly size: number;
  readonly growth: Growth;
  readonly removals: readonly Removal[];
}

/** The keys of a meeting alone: what its host and its participants compute and send, without bridges. */
export async function measureMeetingTree(say: (line: string) => void): Promise<Chapter> {
  const child = startChild<TreeProcess>('./tree-process', import.meta.url);
  const measured: Measured[] = [];
  try {
    await child.ask('begin', undefined);
    await child.ask('grow', 10);
    for (let removal = 0; removal < WARM_UP; removal += 1) {
      await child.ask('remove', removal);
      await child.ask('grow', 10);
    }
    await child.ask('begin', undefined);
    for (const size of SIZES) {
      say(`meeting-tree: ${size} participants`);
      const growth = await child.ask('grow', size);
      const removals: Removal[] = [];
      for (let removal = 0; removal < REMOVALS; removal += 1) {
        removals.push(await child.ask('remove', removal * 7_919));
      }
      measured.push({ size, growth, removals });
    }
  } finally {
    await child.end();
  }
  return describe(measured);
}

const middle = <Cost>(costs: readonly Cost[], of: (cost: Cost) => number) => median(costs.map(of));
const sum = (costs: readonly HostCost[], of: (cost: HostCost) => number) =>
  costs.reduce((total, cost) => total + of(cost), 0);

function describe(measured: readonly Measured[]): Chapter {
  const largest = measured.at(-1);
  if (largest === undefined) throw new RangeError('there are sizes');
  const cpu = middle(largest.removals, (cost) => cost.cpuMs);
  const bytes = Math.max(...largest.removals.map((cost) => cost.tokenBytes));
  return {
    title: 'Keys of a meeting',
    text:
      `A host and its participants in one process, without bridges: ${SIZES.at(-1)?.toLocaleString('en-US')} people join, 200 ` +
      'with a message, and every one of them takes their place and follows every message. CPU time of all threads. A ' +
      `removal is the median of ${REMOVALS}, from the change to the signed message; after each, everybody who stays has come to ` +
      'the new key, and who was removed has tried and failed. Sealing the new key to the group comes on top, once an ' +
      'epoch whatever the size of the meeting.',
    tables: [
      {
        head: [
          'participants',
          'removing one: host’s CPU, ms',
          'message, bytes',
          'each participant’s CPU, ms',
        ],
        rows: measured.map(({ size, removals }) => [
          size.toLocaleString('en-US'),
          shown(middle(removals, (cost) => cost.cpuMs)),
          middle(removals, (cost) => cost.tokenBytes).toLocaleString('en-US'),
          shown(middle(removals, (cost) => cost.memberCpuMs)),
        ]),
      },
      {
        head: [
          'participants who join',
          'host’s CPU for each, ms',
          'bytes sent for each',
          'of them the placement',
        ],
        rows: measured.map(({ growth: { joined, messages } }) => [
          joined.toLocaleString('en-US'),
          shown(sum(messages, (cost) => cost.cpuMs) / joined),
          shown(sum(messages, (cost) => cost.tokenBytes + cost.placementBytes) / joined),
          shown(sum(messages, (cost) => cost.placementBytes) / joined),
        ]),
      },
    ],
    goals: [
      {
        name: 'Removing one of 10,000 from a meeting: the host’s CPU time, without sealing the new key',
        wanted: `less than ${WANTED_MS} ms`,
        measured: `${shown(cpu)} ms`,
        met: cpu < WANTED_MS,
      },
      {
        name: 'The same: bytes that the host sends',
        wanted: `less than ${WANTED_BYTES.toLocaleString('en-US')}`,
        measured: bytes.toLocaleString('en-US'),
        met: bytes < WANTED_BYTES,
      },
    ],
  };
}
