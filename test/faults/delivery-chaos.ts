import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { EVENT_PAGE } from '../../bridge/lib/limits.ts';
import { quiet } from '../events/events-fixture.ts';
import type { Fault } from '../fakes/receivers/receiver.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';
import { type ChaosReceiver, openChaosReceivers } from './delivery-chaos-sinks.ts';

const EVENTS = Number(process.env.CHAOS_EVENTS ?? 200_000);
const FAULTS = Number(process.env.CHAOS_FAULTS ?? 50);
/** A receiver that is killed, one that is restarted, a network that is cut. */
const WAYS: readonly Fault[] = ['drop', { status: 503 }, 'take-and-drop'];
const DRAINED_WITHIN_MS = 120_000;
const PROGRAM = fileURLToPath(new URL('./delivering-bridge.ts', import.meta.url));

let store: TemporaryStore;
let network: ReceiverNetwork;
let folder: string;
let receivers: ChaosReceiver[];
let bridge: ChildProcess | undefined;
let appended = 0;

beforeEach(async () => {
  store = await temporaryStore(systemClock);
  network = await openReceiverNetwork();
  receivers = await openChaosReceivers(network);
  folder = await mkdtemp(join(tmpdir(), 'countersign-chaos-'));
  await writeFile(join(folder, 'ca.pem'), network.ca.certificatePem);
});
afterEach(async () => {
  await killBridge();
  for (const receiver of receivers) await receiver.close();
  await network.close();
  await store.remove();
  await rm(folder, { recursive: true });
});

function startBridge(): void {
  const sinks = JSON.stringify(receivers.map(({ sink }) => sink));
  const args = ['--import', 'tsx', PROGRAM, store.reach, join(folder, 'ca.pem'), sinks];
  const started = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  bridge = started;
  started.stdout.on('data', (said: Buffer) => {
    for (const [count] of String(said).matchAll(/^\d+$/gm)) appended += Number(count);
  });
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

/** `event_id`s of the log, in its order. */
async function loggedIds(): Promise<string[]> {
  const log = createEventLog({
    ...{ database: store.database, clock: systemClock, logger: quiet },
    iss: 'https://bridge.acme.example',
  });
  const ids: string[] = [];
  for (let since = 0; ; ) {
    const page = await log.page({ since, limit: EVENT_PAGE });
    ids.push(...page.filter(({ type }) => type === 'person.closed').map(({ event_id }) => event_id));
    const last = page.at(-1);
    if (last === undefined) return ids;
    since = last.seq;
  }
}

/** Resolves once every receiver got one more request: a fault that nobody meets is none. */
async function requestsAtAll(): Promise<void> {
  const before = receivers.map(({ requests }) => requests.length);
  while (receivers.some(({ requests }, at) => requests.length === before[at]) && !hasEnded(bridge)) {
    await pause(20);
  }
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

it(`delivers ${EVENTS} events through ${FAULTS} kills of bridge, receivers and network`, async () => {
  startBridge();
  for (let fault = 1; fault <= FAULTS; fault += 1) {
    const enough = (EVENTS * fault) / FAULTS;
    while (appended < enough && !hasEnded(bridge)) await pause(20);
    expect(hasEnded(bridge)).toBe(false);
    await pause(Math.random() * 300);
    if (fault % 2 === 0) {
      await killBridge();
      startBridge();
    } else {
      const turn = (fault - 1) / 2;
      for (const [at, receiver] of receivers.entries()) receiver.failAlways(WAYS[(turn + at) % WAYS.length]);
      await requestsAtAll();
      await pause(Math.random() * 500);
      for (const receiver of receivers) receiver.failAlways(undefined);
    }
  }
  await stopAppending();
  const ids = await loggedIds();
  const deadline = Date.now() + DRAINED_WITHIN_MS;
  const behind = () => receivers.some(({ held }) => new Set(held).size < ids.length);
  while (behind() && Date.now() < deadline) await pause(500);
  expect(ids.length).toBeGreaterThanOrEqual(EVENTS);
  for (const { held, breaches, sink } of receivers) {
    const first = [...new Set(held)];
    console.log(`${sink.kind}: ${ids.length} events, ${held.length - first.length} came more than once`);
    expect(breaches).toEqual([]);
    expect(first.length).toBe(ids.length);
    expect(first.every((id, at) => id === ids[at])).toBe(true);
  }
});
