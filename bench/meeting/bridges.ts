import type { Newcomer } from '../../protocol/meetings/host-tree.ts';
import { REKEY_JOINS } from '../../protocol/meetings/limits.ts';
import type { RekeySender } from '../../protocol/meetings/rekey-message.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { CompaniesProcess, CrowdAt, SentRekey, StartCost } from './companies-process.ts';
import type { Arrival, ListenersProcess } from './listeners-process.ts';

/** Members of the durable group, the fewer first. */
export const MEMBERS = [10, 10_000] as const;
const STARTS = 5;
/** Devices that join while everybody listens: at each of the two bridges. */
export const JOINING = 1_000;
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

export interface Removals {
  readonly devices: number;
  /** To open all streams. */
  readonly listenMs: number;
  readonly each: readonly Spread[];
}

export interface MeetingFigures {
  readonly starts: Starts;
  readonly joins: Joins;
  readonly removals: Removals;
}

/** A meeting with a crowd at each bridge, whose devices are a process each. */
interface Gathering {
  readonly newcomers: readonly Newcomer[];
  readonly listeners: readonly Child<ListenersProcess>[];
  readonly host: RekeySender;
  /** Opens every device's stream; answers how long it took, ms. */
  listen(since: number): Promise<number>;
  heard(sent: SentRekey, without: readonly string[]): Promise<Arrival[]>;
}

/** Meetings on two real bridges, which share a process with the host; the devices of each bridge are another one. */
export async function runMeeting(say: (line: string) => void): Promise<MeetingFigures> {
  const companies = startChild<CompaniesProcess>('./companies-process', import.meta.url);
  try {
    await companies.ask('open', undefined);
    say(`meeting: ${STARTS} starts each with ${MEMBERS.join(' and ')} people`);
    const starts = await measureStarts(companies);
    say(`meeting: ${2 * JOINING} devices join`);
    const joins = await gathered(companies, JOINING, (gathering) => measureJoins(companies, gathering));
    say(`meeting: ${REMOVALS} of ${2 * LISTENING} devices are removed`);
    const removals = await gathered(companies, LISTENING, (gathering) =>
      measureRemovals(companies, gathering),
    );
    return { starts, joins, removals };
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

async function gathered<Result>(
  companies: Child<CompaniesProcess>,
  size: number,
  work: (gathering: Gathering) => Promise<Result>,
): Promise<Result> {
  const listeners = [0, 1].map(() => startChild<ListenersProcess>('./listeners-process', import.meta.url));
  try {
    const { iss, group, home, partner, ...opened } = await companies.ask('meet', {
      home: size,
      partner: size,
    });
    const crowds = [home, partner];
    const host = { iss, ...opened.host };
    const ofEach = <Answer>(ask: (child: Child<ListenersProcess>, crowd: CrowdAt) => Promise<Answer>) =>
      Promise.all(
        listeners.flatMap((child, index) => crowds.slice(index, index + 1).map((crowd) => ask(child, crowd))),
      );
    const newcomers = await ofEach((child, { attendants }) => child.ask('prepare', attendants));
    return await work({
      ...{ listeners, host, newcomers: newcomers.flat() },
      async listen(since) {
        const begun = performance.now();
        const meeting = { iss, group };
        await ofEach((child, { peer }) => child.ask('listen', { peer, meeting, host, since }));
        return performance.now() - begun;
      },
      heard: ({ hash }, without) => ofEach((child) => child.ask('heard', { hash, without })),
    });
  } finally {
    for (const child of listeners) await child.end();
  }
}

/** Everybody in `newcomers` gets a place; answers the last message. */
async function placeAll(
  companies: Child<CompaniesProcess>,
  newcomers: readonly Newcomer[],
  sentOne: (sent: SentRekey) => Promise<unknown>,
): Promise<SentRekey> {
  let sent = await companies.ask('send', { joined: newcomers.slice(0, REKEY_JOINS), left: [] });
  await sentOne(sent);
  for (let from = REKEY_JOINS; from < newcomers.length; from += REKEY_JOINS) {
    sent = await companies.ask('send', { joined: newcomers.slice(from, from + REKEY_JOINS), left: [] });
    await sentOne(sent);
  }
  return sent;
}

async function measureJoins(companies: Child<CompaniesProcess>, gathering: Gathering): Promise<Joins> {
  const { newcomers } = gathering;
  const { seq } = await companies.ask('send', { joined: [], left: [] });
  const listenMs = await gathering.listen(seq);
  const begun = performance.now();
  const last = await placeAll(companies, newcomers, async () => undefined);
  await gathering.heard(last, []);
  return { devices: newcomers.length, listenMs, placedMs: performance.now() - begun };
}

/** The places are handed to the devices here: that they come over bridges, and how fast, is measured with fewer. */
async function measureRemovals(companies: Child<CompaniesProcess>, gathering: Gathering): Promise<Removals> {
  const { newcomers, listeners, host } = gathering;
  const { seq } = await placeAll(companies, newcomers, async ({ token, hash, placements }) => {
    const sent = { token, hash, placements };
    await Promise.all(listeners.map((child) => child.ask('hand', { sent, host })));
  });
  const listenMs = await gathering.listen(seq);
  const each: Spread[] = [];
  const without: string[] = [];
  for (let removal = 0; removal < REMOVALS; removal += 1) {
    const gone = newcomers[Math.floor(((removal + 0.5) * newcomers.length) / REMOVALS)];
    if (gone === undefined) throw new RangeError('nobody is there');
    without.push(gone.device_id);
    const sent = await companies.ask('send', { joined: [], left: [gone.device_id] });
    each.push(spreadOf(sent, await gathering.heard(sent, without)));
  }
  return { devices: newcomers.length, listenMs, each };
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
