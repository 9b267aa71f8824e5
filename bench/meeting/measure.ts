import type { Chapter } from '../report/chapter.ts';
import { median, ratioOfRounds, shown } from '../report/figures.ts';
import { LISTENING, MEMBERS, type MeetingFigures, runMeeting } from './bridges.ts';
import type { StartCost } from './companies-process.ts';
import {
  JOINING_TEXT,
  joiningGoal,
  joiningTable,
  removalGoal,
  removalsTable,
  stepsTable,
} from './ten-thousand.ts';

const WANTED_RATIO = 1.2;
const [FEW, MANY] = MEMBERS.map((count) => count.toLocaleString('en-US'));
const LISTENED = (2 * LISTENING).toLocaleString('en-US');

/** A meeting on real bridges. */
export async function measureMeeting(say: (line: string) => void): Promise<Chapter> {
  return describe(await runMeeting(say));
}

const middle = <Each>(all: readonly Each[], of: (each: Each) => number) => median(all.map(of));

function describe({ starts, steps, joining, removals }: MeetingFigures): Chapter {
  const { few, many } = starts;
  const cpuRatio = ratioOfRounds(
    many.map((start) => start.cpuMs),
    few.map((start) => start.cpuMs),
  );
  const bytesRatio = middle(many, (start) => start.bytesSent) / middle(few, (start) => start.bytesSent);
  const startRow = (name: string, of: (start: StartCost) => number) => [
    ...[name, shown(middle(few, of)), shown(middle(many, of))],
  ];
  return {
    title: 'A meeting on two bridges',
    text:
      'Two companies’ bridges and the host’s client in one process; the devices of each company in one more. The start is ' +
      'the client’s `meetings.start` with one durable group, to whose members nobody transforms here. Then ' +
      `devices join, half of them at the partner’s bridge: ${JOINING_TEXT} What a step costs was measured with fewer, one step ` +
      `after the other. In another meeting, ${LISTENED} devices have their places already when they begin to listen, and ` +
      `${removals.each.length} are removed one by one: every device that stays has come to one key, and none that was ` +
      'removed has. They take no key by transform; all of them compute on the cores that the bridges need as well, ' +
      'thousands of times what one participant does.',
    tables: [
      {
        head: ['the host starts a meeting', `with ${FEW} people`, `with ${MANY}`],
        rows: [
          startRow('CPU of host and bridge, ms', (start) => start.cpuMs),
          startRow('until it has begun, ms', (start) => start.ms),
          startRow('bytes that the host sends', (start) => start.bytesSent),
          startRow('transform keys that it makes', (start) => start.transformKeysMade),
          startRow('encryptions', (start) => start.encryptions),
        ],
      },
      removalsTable(LISTENED, removals.each),
      stepsTable(steps),
      joiningTable(joining),
      {
        head: ['devices', 'all streams open, s'],
        rows: [[`${LISTENED} that listen`, shown(removals.listenMs / 1000)]],
      },
    ],
    goals: [
      {
        name: `Starting a meeting with one durable group of ${MANY}: CPU of host and bridge, times that with ${FEW}`,
        wanted: `less than ${WANTED_RATIO}`,
        measured: `${shown(cpuRatio)}`,
        met: cpuRatio < WANTED_RATIO,
      },
      {
        name: 'The same: bytes that the host sends',
        wanted: `less than ${WANTED_RATIO}`,
        measured: shown(bytesRatio),
        met: bytesRatio < WANTED_RATIO,
      },
      joiningGoal(joining),
      removalGoal(LISTENED, removals.each),
    ],
  };
}
