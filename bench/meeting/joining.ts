import type { Child } from '../processes/child.ts';
import type { CompaniesProcess, SentRekey } from './companies-process.ts';
import { type Gathering, gathered, placeAll } from './gathering.ts';
import { STEPS } from './joining-steps.ts';
import { removeSome, type Spread } from './removing.ts';

/** What one step costs both bridges together, ms of CPU for each device. */
export interface StepCost {
  readonly step: (typeof STEPS)[number] | 'stream';
  readonly home: number;
  readonly partner: number;
}

/** How a crowd joined, half of it at each bridge. */
export interface Joining {
  readonly devices: number;
  /** From the first question of the first device to the last stream, and until the last device is in its place. */
  readonly enteredMs: number;
  readonly placedMs: number;
  /** Of both bridges and the host together: until all have entered, and for their places. */
  readonly enteredCpuMs: number;
  readonly placedCpuMs: number;
  /** What the host does for all places. */
  readonly host: { readonly messages: number; readonly cpuMs: number; readonly bytes: number };
  /** Afterwards some are removed, where that was asked for. */
  readonly removals: readonly Spread[];
}

const complete = true;

/** So many devices of each company join, one step after the other, and one company after the other. */
export function measureSteps(companies: Child<CompaniesProcess>, each: number): Promise<StepCost[]> {
  return gathered(companies, { home: each, partner: each, complete }, async (gathering) => {
    const { seq } = await companies.ask('send', { joined: [], left: [] });
    await published(gathering);
    const costs: StepCost[] = [];
    for (const step of [...STEPS, 'stream'] as const) {
      const cpu = [0, 0];
      for (const turn of [0, 1]) {
        const before = await companies.ask('cpu', undefined);
        let number = 0;
        await gathering.ofEach(async (child, place) => {
          const isTheirs = number === turn;
          number += 1;
          if (!isTheirs) return;
          if (step === 'stream') await child.ask('listen', { ...place, since: seq });
          else await child.ask('step', { ...place, step });
        });
        cpu[turn] = ((await companies.ask('cpu', undefined)) - before) / each;
      }
      const [home = 0, partner = 0] = cpu;
      costs.push({ step, home, partner });
    }
    return costs;
  });
}

/**
 * So many devices of each company join at once, with all that a join is; then the host gives them their places, and
 * removes some.
 */
export function measureJoining(
  companies: Child<CompaniesProcess>,
  each: number,
  { removals = 0, say = () => undefined }: { removals?: number; say?: (line: string) => void } = {},
): Promise<Joining> {
  return gathered(companies, { home: each, partner: each, complete }, async (gathering) => {
    const { newcomers, heard, ofEach } = gathering;
    await companies.ask('send', { joined: [], left: [] });
    await published(gathering);
    const [cpuBefore, begun] = [await companies.ask('cpu', undefined), performance.now()];
    await ofEach((child, place) => child.ask('join', place));
    const enteredMs = performance.now() - begun;
    const cpuEntered = await companies.ask('cpu', undefined);
    say(`joining: all ${newcomers.length} have entered`);
    const sent: SentRekey[] = [];
    const last = await placeAll(companies, newcomers, async (message) => {
      sent.push(message);
      if (sent.length % 10 === 0) say(`joining: ${sent.length} messages with places`);
    });
    await heard(last, []);
    say('joining: all have heard of their places');
    const placedMs = performance.now() - begun;
    const placedCpuMs = (await companies.ask('cpu', undefined)) - cpuEntered;
    return {
      ...{ devices: newcomers.length, enteredMs, placedMs, placedCpuMs },
      enteredCpuMs: cpuEntered - cpuBefore,
      removals: await removeSome(companies, gathering, removals),
      host: {
        messages: sent.length,
        cpuMs: sent.reduce((sum, { sealCpuMs, treeCpuMs }) => sum + sealCpuMs + treeCpuMs, 0),
        bytes: sent.reduce((sum, { bytes }) => sum + bytes.token + bytes.sealed + bytes.placements, 0),
      },
    };
  });
}

const published = ({ ofEach }: Gathering) => ofEach((child, place) => child.ask('published', place));
