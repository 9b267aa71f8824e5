import type { Newcomer } from '../../protocol/meetings/host-tree.ts';
import { REKEY_JOINS } from '../../protocol/meetings/limits.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { CompaniesProcess, SentRekey, StartCost } from './companies-process.ts';
import type { Arrival, ListenersProcess } from './listeners-process.ts';

/** Members of the durable group, the fewer first. */
export const MEMBERS = [10, 10_000] as const;
const STARTS = 5;
/** Devices at each of the two bridges, all of which this machine must be as well. */
export const CROWD = 1_000;
const REMOVALS = 5;

export interface Starts {
  readonly few: readonly StartCost[];
  readonly many: readonly StartCost[];
}

/** How long after the host began a message it was everywhere, ms. */
export interface Spread {
  readonly sent: SentRekey;
  readonly answered: number;
  /** Until the last device had the message, and had computed the key; at the home bridge and at its partner. */
  readonly home: { readonly received: number; readonly key: number };
  readonly partner: { readonly received: number; readonly key: number };
}

export interface Joins {
  readonly devices: number;
  /** To open all streams. */
  readonly listenMs: number;
  /** From the host's first message to the last device in its place. */
  readonly placedMs: number;
}

export interface MeetingFigures {
  readonly starts: Starts;
  readonly joins: Joins;
  readonly removals: readonly Spread[];
}

/** A meeting on two real bridges, which share a process with its host; the devices of each bridge are another one. */
export async function runMeeting(say: (line: string) => void): Promise<MeetingFigures> {
  const companies = startChild<CompaniesProcess>('./companies-process', import.meta.url);
  const listeners = [0, 1].map(() => startChild<ListenersProcess>('./listeners-process', import.meta.url));
  try {
    await companies.ask('open', undefined);
    say(`meeting: ${STARTS} starts each with ${MEMBERS.join(' and ')} people`);
    const starts = await measureStarts(companies);
    say(`meeting: ${2 * CROWD} devices join`);
    const { joins, newcomers } = await joinAll(companies, listeners);
    const removals: Spread[] = [];
    const without: string[] = [];
    for (let removal = 0; removal < REMOVALS; removal += 1) {
      const place = Math.floor(((removal + 0.5) * newcomers.length) / REMOVALS);
      const device_id = newcomers[place]?.device_id;
      if (device_id === undefined) throw new RangeError('nobody is there');
      without.push(device_id);
      const sent = await companies.ask('send', { joined: [], left: [device_id] });
      removals.push(spreadOf(sent, await heardBy(listeners, sent, without)));
    }
    return { starts, joins, removals };
  } finally {
    // Streams end with their bridges otherwise, which the devices would take for a fault.
    for (const child of listeners) await child.end();
    await companies.end();
  }
}

async function measureStarts(companies: Child<CompaniesProcess>): Promise<Starts> {
  const [few, many]: [StartCost[], StartCost[]] = [[], []];
  // What is loaded and compiled by the first start is not the cost of one.
  await companies.ask('start', MEMBERS[0]);
  for (let round = 0; round < STARTS; round += 1) {
    few.push(await companies.ask('start', MEMBERS[0]));
    many.push(await companies.ask('start', MEMBERS[1]));
  }
  return { few, many };
}

async function joinAll(
  companies: Child<CompaniesProcess>,
  listeners: readonly Child<ListenersProcess>[],
): Promise<{ joins: Joins; newcomers: readonly Newcomer[] }> {
  const opened = await companies.ask('meet', { home: CROWD, partner: CROWD });
  const { iss, group } = opened;
  await companies.ask('send', { joined: [], left: [] });
  const host = { iss, ...opened.host };
  const begun = performance.now();
  const crowds = [opened.home, opened.partner];
  const listening = await Promise.all(
    crowds.map((crowd, index) =>
      listeners[index]?.ask('listen', { ...crowd, meeting: { iss, group }, host }),
    ),
  );
  const newcomers = listening.flatMap((each) => each ?? []);
  const listenMs = performance.now() - begun;
  const placing = performance.now();
  for (let from = 0; from < newcomers.length; from += REKEY_JOINS) {
    const joined = newcomers.slice(from, from + REKEY_JOINS);
    const sent = await companies.ask('send', { joined, left: [] });
    if (from + REKEY_JOINS >= newcomers.length) await heardBy(listeners, sent, []);
  }
  const joins = { devices: newcomers.length, listenMs, placedMs: performance.now() - placing };
  return { joins, newcomers };
}

function heardBy(
  listeners: readonly Child<ListenersProcess>[],
  { hash }: SentRekey,
  without: readonly string[],
): Promise<Arrival[]> {
  return Promise.all(listeners.map((child) => child.ask('heard', { hash, without })));
}

function spreadOf(sent: SentRekey, [home, partner]: readonly Arrival[]): Spread {
  if (home === undefined || partner === undefined || home.key !== partner.key) {
    throw new Error('the two bridges’ devices have come to different keys');
  }
  const after = ({ lastReceived, lastKey }: Arrival) => ({
    received: lastReceived - sent.begun,
    key: lastKey - sent.begun,
  });
  return { sent, answered: sent.answered - sent.begun, home: after(home), partner: after(partner) };
}
