import type { Chapter } from '../report/chapter.ts';
import { median, ratioOfRounds, shown } from '../report/figures.ts';
import { LISTENING, MEMBERS, type MeetingFigures, runMeeting, type Spread } from './bridges.ts';
import type { StartCost } from './companies-process.ts';
import { JOINING_TEXT, joiningGoal, joiningTable, stepsTable } from './ten-thousand.ts';

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
  const spreadRow = (name: string, of: (spread: Spread) => number) => [
    ...[name, shown(middle(removals.each, of)), shown(Math.max(...removals.each.map(of)))],
  ];
  const last = middle(removals.each, ({ home, partner }) => Math.max(home.key, partner.key));
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
      {
        head: [`one of ${LISTENED} is removed`, 'median', 'most'],
        rows: [
          spreadRow('sealing the new key, ms of the host’s CPU', ({ sent }) => sent.sealCpuMs),
          spreadRow('bytes of the sealed key', ({ sent }) => sent.bytes.sealed),
          spreadRow('bytes of the message', ({ sent }) => sent.bytes.token),
          spreadRow('until the bridge has stored it, ms', ({ answered }) => answered),
          spreadRow('until the last device at home has it, ms', ({ home }) => home.received),
          spreadRow('until the last one at the partner has it, ms', ({ partner }) => partner.received),
          spreadRow('until the last of all has the new key, ms', ({ home, partner }) =>
            Math.max(home.key, partner.key),
          ),
        ],
      },
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
      {
        name: `One of ${LISTENED} is removed: until the last of the others has the new key`,
        wanted: 'reported',
        measured: `${shown(last)} ms`,
        met: null,
      },
    ],
  };
}
