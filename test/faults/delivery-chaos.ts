import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { EVENT_PAGE } from '../../bridge/lib/limits.ts';
import { quiet } from '../events/events-fixture.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { choicesFrom } from '../model/random-choices.ts';
import { type ChaosReceiver, openChaosReceivers } from './chaos-receivers.ts';
import { type PlannedFault, planFaults } from './fault-plan.ts';
import { type LoggedEvent, missingStretches, sumOf } from './missing-stretches.ts';

const EVENTS = Number(process.env.CHAOS_EVENTS ?? 200_000);
const FAULTS = Number(process.env.CHAOS_FAULTS ?? 50);
const SEED = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 32));
/** About as long as the events between two faults take to be appended. */
const LONGEST_PAUSE_MS = 300;
/** Then there is nothing left to deliver. */
const LOOKS_IN_VAIN = 25;
const DRAINED_WITHIN_MS = 120_000;
/**
 * What a receiver that dies may have read and not written, of the one connection that was open. It writes what it has
 * read before it reads on, and reads 64 KiB at a time, of which TLS may hold as much again. What it had not read makes its
 * death a reset, by which the bridge knows.
 */
const READ_BYTES = 128 * 1024;
const PROGRAM = fileURLToPath(new URL('./delivering-bridge.ts', import.meta.url));

let store: TemporaryStore;
let folder: string;
let receivers: ChaosReceiver[] = [];
let bridge: ChildProcess | undefined;
/** Events that are on disk, and that are to be. */
let appended = 0;
let wanted = 0;
/** Ports of connections that the bridge ended by itself. */
const endedByBridge = new Set<number>();

beforeEach(async () => {
  store = await temporaryStore(systemClock);
  folder = await mkdtemp(join(tmpdir(), 'countersign-chaos-'));
  const ca = await createThrowawayCa();
  await writeFile(join(folder, 'ca.pem'), ca.certificatePem);
  receivers = await openChaosReceivers(ca, folder);
});
afterEach(async () => {
  await killBridge();
  for (const receiver of receivers) await receiver.close();
  await store.remove();
  await rm(folder, { recursive: true });
});

function startBridge(): void {
  const sinks = JSON.stringify(receivers.map(({ sink }) => sink));
  const args = ['--import', 'tsx', PROGRAM, store.reach, join(folder, 'ca.pem'), sinks];
  const started = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  bridge = started;
  createInterface(started.stdout).on('line', (line) => {
    const [, ended] = /^ends (\d+)$/.exec(line) ?? [];
    if (ended !== undefined) endedByBridge.add(Number(ended));
    else if (/^\d+$/.test(line)) appended += Number(line);
  });
  if (wanted > appended) started.stdin.write(`${wanted - appended}\n`);
}

/** Has so many more events appended; what a bridge that is killed does not come to, the next one does. */
function append(count: number): void {
  wanted += count;
  bridge?.stdin?.write(`${count}\n`);
}

async function killBridge(): Promise<void> {
  const running = bridge;
  if (running === undefined || hasEnded(running)) return;
  const gone = new Promise((resolve) => running.once('exit', resolve));
  running.kill('SIGKILL');
  await gone;
}

function hasEnded(process: ChildProcess | undefined): boolean {
  return process === undefined || process.exitCode !== null || process.signalCode !== null;
}

/** The events of the log that are to arrive, in its order. */
async function loggedEvents(): Promise<LoggedEvent[]> {
  const log = createEventLog({
    ...{ database: store.database, clock: systemClock, logger: quiet },
    iss: 'https://bridge.acme.example',
  });
  const events: LoggedEvent[] = [];
  for (let since = 0; ; ) {
    const page = await log.page({ since, limit: EVENT_PAGE });
    for (const event of page) {
      if (event.type !== 'person.closed') continue;
      events.push({ id: event.event_id, bytes: Buffer.byteLength(JSON.stringify(event)) });
    }
    const last = page.at(-1);
    if (last === undefined) return events;
    since = last.seq;
  }
}

/** Makes it happen while events are on their way, and has it end once it was met: a fault that nobody meets is none. */
async function befall(fault: PlannedFault): Promise<void> {
  if (fault.kind === 'bridge') {
    await killBridge();
    startBridge();
    return;
  }
  const befallen = receivers.filter((_, index) => fault.receivers.includes(index));
  await moreOf(befallen, ({ path }) => path.passed)();
  await pause(fault.afterMs);
  const met = moreOf(befallen, ({ path }) => path.harmed);
  if (fault.kind === 'receiver') {
    await Promise.all(befallen.map((receiver) => receiver.kill()));
    await Promise.all([met(), pause(fault.deadMs)]);
    await Promise.all(befallen.map((receiver) => receiver.start()));
  } else {
    for (const { path } of befallen) path.cut(fault.cut);
    await Promise.all([met(), pause(fault.cutMs)]);
    for (const { path } of befallen) path.restore(fault.end);
  }
}

/** Answers a function that resolves once there is more than now of something of each of them, and sees to events for it. */
function moreOf(
  befallen: readonly ChaosReceiver[],
  something: (receiver: ChaosReceiver) => number,
): () => Promise<void> {
  const before = befallen.map(something);
  return async () => {
    for (let look = 1; befallen.some((each, at) => something(each) === before[at]); look += 1) {
      if (hasEnded(bridge)) return;
      if (look % LOOKS_IN_VAIN === 0) append(200);
      await pause(20);
    }
  };
}

/** Resolves once everything that the bridge appended has its number. */
function stopAppending(): Promise<void> {
  return new Promise((resolve) => {
    bridge?.stdout?.on('data', (said: Buffer) => {
      if (String(said).includes('stopped')) resolve();
    });
    bridge?.stdin?.write('stop\n');
  });
}

/**
 * Syslog has no acknowledgement: where the bridge ended a connection and the receiver died at that moment, its death
 * looks like its answer. How many connections that was so of: no more stretches of events may be missing, and of each no
 * more than the receiver may have read.
 */
function deathsTakenForAnswers({ path }: ChaosReceiver): number {
  return path.bereaved.filter((port) => endedByBridge.has(port)).length;
}

it(`delivers ${EVENTS} events through ${FAULTS} kills of bridge, receivers and network, seed ${SEED}`, async () => {
  const choices = choicesFrom(SEED);
  const faults = planFaults(choices, FAULTS, receivers.length);
  startBridge();
  for (const fault of faults) {
    append(Math.ceil(EVENTS / FAULTS));
    await pause(choices.number(LONGEST_PAUSE_MS));
    await befall(fault);
    while (appended < wanted && !hasEnded(bridge)) await pause(20);
    expect(hasEnded(bridge)).toBe(false);
  }
  await stopAppending();
  const logged = await loggedEvents();
  const ids = logged.map(({ id }) => id);
  expect(ids.length).toBeGreaterThanOrEqual(EVENTS);
  const deadline = Date.now() + DRAINED_WITHIN_MS;
  const behind = () =>
    receivers.some((receiver) => {
      const held = new Set(receiver.held());
      return (
        missingStretches(logged, held).length > deathsTakenForAnswers(receiver) || !held.has(ids.at(-1) ?? '')
      );
    });
  while (behind() && Date.now() < deadline) await pause(1_000);
  const count = (kind: PlannedFault['kind']) => faults.filter((fault) => fault.kind === kind).length;
  const kinds = `${count('bridge')} of the bridge, ${count('receiver')} of receivers, ${count('network')} cuts`;
  console.log(`seed ${SEED}: ${ids.length} events, ${kinds}`);
  for (const receiver of receivers) {
    const { sink, breaches } = receiver;
    const held = receiver.held();
    const first = [...new Set(held)];
    const arrived = new Set(first);
    const stretches = missingStretches(logged, arrived);
    const lost = sumOf(stretches);
    const longest = Math.max(0, ...stretches.map(({ events }) => events));
    const mistaken = sink.kind === 'syslog' ? deathsTakenForAnswers(receiver) : 0;
    console.log(
      `${sink.kind}: ${held.length - first.length} came more than once; ${mistaken} deaths looked like an answer, ${lost.events} events (${lost.bytes} bytes) lost by them, at most ${longest} in a row`,
    );
    expect(breaches).toEqual([]);
    expect(stretches.length).toBeLessThanOrEqual(mistaken);
    expect(lost.bytes).toBeLessThanOrEqual(mistaken * READ_BYTES);
    expect(first).toEqual(ids.filter((id) => arrived.has(id)));
  }
});
