import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_STRACE } from '../fakes/find-strace.ts';
import { parseTrace } from '../storage/system-calls.ts';
import { type FaultBench, openFaultBench, type Room } from './injected-faults.ts';

let bench: FaultBench;
let room: Room;
/** What a bridge that nothing befalls does to its files and says, in order. */
let steps: string[];

beforeAll(async () => {
  if (NO_STRACE !== undefined) return;
  bench = await openFaultBench();
  room = await bench.room();
  const calls = 'trace=write,pwrite64,fsync,fdatasync,rename';
  const { code, trace } = await room.run({ strace: ['-y', '-s', '64', '-e', calls] });
  expect(code).toBe(0);
  steps = parseTrace(trace).flatMap((call) => stepOf(call.name, call.arguments) ?? []);
});

afterAll(async () => {
  await room?.remove();
  await bench?.remove();
});

function stepOf(name: string, given: string): string | undefined {
  const synced = name === 'fsync' || name === 'fdatasync';
  if (given.includes('bridge.db-wal>')) return synced ? 'store synced' : 'store written';
  if (name === 'rename') return 'head renamed';
  if (given.includes('.new>')) return synced ? 'head synced' : 'head written';
  if (given.includes('/head>') && synced) return 'folder synced';
  if (!given.includes('/said>')) return undefined;
  return /signing|acknowledged/.exec(given)?.[0];
}

describe.skipIf(NO_STRACE !== undefined)(`what is said${NO_STRACE ? ` (skipped: ${NO_STRACE})` : ''}`, () => {
  it('as signed has its head on disk, in the store and then in the head file', () => {
    const signings = steps.flatMap((step, at) => (step === 'signing' ? [at] : []));
    expect(signings.length).toBeGreaterThan(1);
    for (const at of signings) {
      const before = steps.slice(0, at);
      const head = ['head written', 'head synced', 'head renamed', 'folder synced'];
      const kept = before.lastIndexOf('head written');
      expect(before.slice(kept).filter((step) => head.includes(step))).toEqual(head);
      expect(lastOfStore(before.slice(0, kept))).toBe('store synced');
    }
  });

  it('as acknowledged is on disk', () => {
    const told = steps.flatMap((step, at) => (step === 'acknowledged' ? [at] : []));
    expect(told.length).toBeGreaterThan(1);
    for (const at of told) expect(lastOfStore(steps.slice(0, at))).toBe('store synced');
  });
});

function lastOfStore(before: readonly string[]): string | undefined {
  return before.findLast((step) => step.startsWith('store'));
}
