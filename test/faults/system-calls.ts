import { afterAll, describe, expect, it } from 'vitest';
import { NO_STRACE } from '../fakes/find-strace.ts';
import { parseTrace } from '../storage/system-calls.ts';
import { leastMet } from './enough-met.ts';
import {
  FATES,
  type Fate,
  type Fault,
  type FaultBench,
  type Files,
  injection,
  openFaultBench,
  tracing,
} from './injected-faults.ts';

/** Rooms at work at once: they wait for disks and timers as much as they compute. */
const AT_ONCE = 3;

/** Killing a process before it reads or asks is killing it after its last write: once is enough. */
const CHANGES = new Set([
  'openat',
  'write',
  'pwrite64',
  'fsync',
  'fdatasync',
  'ftruncate',
  'rename',
  'unlink',
]);

if (NO_STRACE !== undefined) console.warn(`Skipping tests: ${NO_STRACE}`);

const bench = NO_STRACE === undefined ? await openFaultBench() : undefined;
const counted =
  bench === undefined ? [] : [...(await count(bench, 'store')), ...(await count(bench, 'head'))];

afterAll(() => bench?.remove());

interface Counted {
  readonly files: Files;
  readonly call: string;
  readonly times: number;
}

/** How often a process that nothing befalls makes each call. */
async function count(on: FaultBench, files: Files): Promise<Counted[]> {
  const room = await on.room();
  const { trace, code } = await room.run({ strace: tracing(files, '%file,%desc') });
  if (code !== 0) throw new Error(trace);
  if (parseTrace(trace).length === 0) throw new Error(`strace saw no call on the ${files}`);
  await room.remove();
  const times = new Map<string, number>();
  for (const { name } of parseTrace(trace)) times.set(name, (times.get(name) ?? 0) + 1);
  return [...times].map(([call, times]) => ({ files, call, times }));
}

interface Outcome {
  readonly fault: Fault;
  /** It happened: the process came that far. */
  readonly met: boolean;
}

/** Lets a fault happen, starts the bridge again without, and has the whole log checked. */
async function suffer(on: FaultBench, fault: Fault): Promise<Outcome> {
  const room = await on.room();
  const ended = await room.run({ strace: injection(fault) });
  const met = fault.fate === 'kills' ? ended.signal === 'SIGKILL' : ended.trace.includes('(INJECTED)');
  const restarted = await room.run({ check: true });
  const named = `${fault.call} ${fault.nth} ${fault.fate}`;
  if (fault.fate === 'fails' || !met) {
    // it works on, or says so
    const spoke = ended.said.some(({ done, refused, stopped }) => {
      // a lock that could not be given back makes each request wait, and fail, for as long as the process lives
      return (ended.signal !== null ? refused : ended.code === 0 ? done : stopped) !== undefined;
    });
    expect(spoke, `${named}: ${ended.signal} ${ended.code} ${ended.trace}`).toBe(true);
  }
  if (met && isReadOfStore(fault) && restarted.code === 3) {
    await room.remove();
    return { fault, met };
  }
  expect(restarted.trace, named).toBe('');
  const again = `${named}, restarted: ${restarted.code} ${JSON.stringify(restarted.said)}`;
  expect(restarted.said.at(-1)?.whole, again).toEqual({ size: expect.any(Number), versions: 6 });
  await room.remove();
  return { fault, met };
}

/**
 * libsql 0.5 does not look whether a page of its log could be read before it copies what is in memory then into the
 * file (SQLite does). That file is damaged for good; the bridge says so at the next start, or signs nothing on it.
 */
function isReadOfStore({ call, files, fate }: Fault): boolean {
  return call === 'pread64' && files === 'store' && fate === 'fails';
}

async function sufferAll(on: FaultBench, faults: readonly Fault[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const left = [...faults];
  const work = async () => {
    for (let fault = left.shift(); fault !== undefined; fault = left.shift()) {
      outcomes.push(await suffer(on, fault));
      if (outcomes.length % 25 === 0) {
        console.log(
          `${fault.call} on the ${fault.files} ${fault.fate}: ${outcomes.length} of ${faults.length}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcomes;
}

describe.skipIf(bench === undefined)(
  `a bridge that sequences${NO_STRACE ? ` (skipped: ${NO_STRACE})` : ''}`,
  () => {
    for (const fate of Object.keys(FATES) as Fate[]) {
      for (const { files, call, times } of counted) {
        if (fate === 'kills' && !CHANGES.has(call)) continue;
        it(`loses nothing and contradicts nothing when any ${call} on its ${files} ${fate} (${times})`, async () => {
          if (bench === undefined) return;
          const faults = Array.from(
            { length: times },
            (_, at): Fault => ({ files, call, nth: at + 1, fate }),
          );
          const outcomes = await sufferAll(bench, faults);
          const met = outcomes.filter((outcome) => outcome.met).length;
          expect(met, `${call} on the ${files} ${fate}: faults that were met`).toBeGreaterThanOrEqual(
            leastMet(times),
          );
        });
      }
    }
  },
);
