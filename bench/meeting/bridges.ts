import { type Child, startChild } from '../processes/child.ts';
import type { CompaniesProcess, StartCost } from './companies-process.ts';
import { type Gathering, gathered, placeAll } from './gathering.ts';
import { type Joining, measureJoining, measureSteps, type StepCost } from './joining.ts';
import { removeSome, type Spread } from './removing.ts';

/** Members of the durable group, the fewer first. */
export const MEMBERS = [10, 10_000] as const;
const STARTS = 5;
/** Devices that join, with all that a join is: at each of the two bridges. */
export const JOINING = 250;
/** Devices at each bridge of which it is measured what a step costs. */
export const COSTED = 50;
/**
 * Devices at each bridge that listen while somebody is removed. To open a stream costs bridge and device some 30 ms of CPU
 * together, and each ends after five minutes: for twice as many, two cores would do little else.
 */
export const LISTENING = 2_500;
const REMOVALS = 5;

export interface Starts {
  readonly few: readonly StartCost[];
  readonly many: readonly StartCost[];
}

export interface Removals {
  readonly devices: number;
  /** To open all streams. */
  readonly listenMs: number;
  readonly each: readonly Spread[];
}

export interface MeetingFigures {
  readonly starts: Starts;
  readonly steps: readonly StepCost[];
  readonly joining: Joining;
  readonly removals: Removals;
}

/** Meetings on two real bridges, which share a process with the host; the devices of each bridge are another one. */
export async function runMeeting(say: (line: string) => void): Promise<MeetingFigures> {
  const companies = startChild<CompaniesProcess>('./companies-process', import.meta.url);
  try {
    await companies.ask('open', undefined);
    say(`meeting: ${STARTS} starts each with ${MEMBERS.join(' and ')} people`);
    const starts = await measureStarts(companies);
    say(`meeting: ${2 * JOINING} devices join`);
    const steps = await measureSteps(companies, COSTED);
    const joining = await measureJoining(companies, JOINING);
    say(`meeting: ${REMOVALS} of ${2 * LISTENING} devices are removed`);
    const removals = await gathered(companies, { home: LISTENING, partner: LISTENING }, (gathering) =>
      measureRemovals(companies, gathering),
    );
    return { starts, steps, joining, removals };
  } finally {
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

/** The places are handed to the devices here: that they come over bridges, and how fast, is measured with fewer. */
async function measureRemovals(companies: Child<CompaniesProcess>, gathering: Gathering): Promise<Removals> {
  const { newcomers, listeners, host } = gathering;
  const { seq } = await placeAll(companies, newcomers, async ({ token, hash, placements }) => {
    const sent = { token, hash, placements };
    await Promise.all(listeners.map((child) => child.ask('hand', { sent, host })));
  });
  const listenMs = await gathering.listen(seq);
  const each = await removeSome(companies, gathering, REMOVALS);
  return { devices: newcomers.length, listenMs, each };
}
