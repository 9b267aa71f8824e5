import {
  confirmation,
  contextOf,
  enrolmentRequest,
  holder,
  newDevice,
  newPerson,
} from '../../test/fakes/client-side.ts';
import { answerParent } from '../processes/child.ts';
import { cpuMs } from '../processes/cpu.ts';
import { type EnrolmentParts, openParts, type Store } from './parts.ts';
import { type PricingOrder, priceEach } from './prices.ts';

export interface EnrolmentRound {
  readonly people: number;
  /** Under way at the same time. */
  readonly atOnce: number;
}

export interface EnrolmentRoundResult {
  /** Of the bridge's part alone: milliseconds an enrolment, by the clock and of CPU time. */
  readonly ms: number;
  readonly cpuMs: number;
  /** How often the bridge did each thing, an enrolment. */
  readonly counts: ReadonlyMap<string, number>;
}

let parts: EnrolmentParts | undefined;

const handlers = {
  open: async (store: Store) => {
    parts = await openParts(store);
  },
  enrol: (round: EnrolmentRound) => enrol(opened(), round),
  /** Milliseconds of each of these things, alone. */
  price: ({ things, order }: { things: readonly string[]; order: PricingOrder }) =>
    priceEach(opened(), things, order),
};
export type EnrolmentProcess = typeof handlers;

function opened(): EnrolmentParts {
  if (parts === undefined) throw new Error('the parts are not open');
  return parts;
}

/**
 * Enrols people. What their clients do stands between the bridge's two steps and is not measured; that the events of
 * a step get their places is.
 */
async function enrol(
  { enrolments, events, engine, tally, addPeople }: EnrolmentParts,
  { people, atOnce }: EnrolmentRound,
): Promise<EnrolmentRoundResult> {
  const beginning = [];
  for (const sub of await addPeople(people)) {
    const person = await newPerson(engine);
    const device = await newDevice(engine);
    const who = holder(sub, device);
    beginning.push({ who, person, device, request: enrolmentRequest(person, device) });
  }
  const meter = createMeter(() => events.settled());
  tally.take();
  const offered = await meter.run(beginning, atOnce, async (each) => ({
    ...each,
    offer: await enrolments.offer(each.who, each.request, contextOf(each.who)),
  }));
  const offerCounts = tally.take();
  const confirming = [];
  for (const each of offered) confirming.push({ ...each, sent: await confirmation(engine, each) });
  tally.take();
  await meter.run(confirming, atOnce, ({ who, offer, sent }) =>
    enrolments.confirm(who, offer.enrolment_id, sent, contextOf(who)),
  );
  const counts = tally.take();
  for (const [name, count] of offerCounts) counts.set(name, (counts.get(name) ?? 0) + count);
  return {
    ms: meter.ms() / people,
    cpuMs: meter.cpuMs() / people,
    counts: new Map([...counts].map(([name, count]) => [name, count / people])),
  };
}

/** Adds up what runs take; each ends when `settled` says so. */
function createMeter(settled: () => Promise<void>) {
  let ms = 0;
  let cpu = 0;
  return {
    ms: () => ms,
    cpuMs: () => cpu,
    async run<Item, Result>(
      items: readonly Item[],
      atOnce: number,
      work: (item: Item) => Promise<Result>,
    ): Promise<Result[]> {
      const started = performance.now();
      const cpuBefore = cpuMs();
      const results = await inTurn(items, atOnce, work);
      await settled();
      ms += performance.now() - started;
      cpu += cpuMs() - cpuBefore;
      return results;
    },
  };
}

async function inTurn<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const waiting = items.entries();
  const results: Result[] = [];
  async function takeNext(): Promise<void> {
    for (const [index, item] of waiting) results[index] = await work(item);
  }
  await Promise.all(Array.from({ length: atOnce }, takeNext));
  return results;
}

answerParent(handlers, () => parts?.close());
