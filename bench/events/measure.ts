import { access } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { SinkInput } from '../../bridge/events/sinks/sinks.ts';
import { createThrowawayCa } from '../../test/fakes/throwaway-ca.ts';
import { type Company, foundCompany } from '../company/company.ts';
import { type Child, startChild } from '../processes/child.ts';
import { PROGRAM, serveBridge } from '../processes/served-bridge.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, percentile, shown } from '../report/figures.ts';
import type { BridgeProcess } from './bridge-process.ts';
import { fillEvents } from './fill-events.ts';
import type { Arrivals, ReceiverProcess } from './receiver-process.ts';

const BEHIND = 1_000_000;
/** Of those behind, by which the speed is measured. */
const DRAINED = 100_000;
const RUNS = 3;
const PACED = { events: 4_000, perSecond: 200 };
const [WANTED_RATE, WANTED_MB, WANTED_LAG_MS] = [10_000, 250, 300];
const LOOK_MS = 100;
const GIVE_UP_MS = 120_000;

type Kind = 'syslog' | 'splunk-hec';
const NAMES: Record<Kind, string> = { syslog: 'syslog over TLS', 'splunk-hec': 'Splunk HEC' };

/** While it delivers what it was behind by. */
interface Drain {
  readonly perSecond: number;
  readonly peakMb: number;
}

interface Figures {
  readonly filledPerSecond: number;
  readonly drains: Readonly<Record<Kind, readonly Drain[]>>;
  readonly lags: Readonly<Record<Kind, readonly number[]>>;
}

/** Events, from the log to receivers that do nothing but take them. */
export async function measureEvents(say: (line: string) => void): Promise<Chapter> {
  await access(PROGRAM);
  const receiver = startChild<ReceiverProcess>('./receiver-process', import.meta.url);
  const authority = await createThrowawayCa();
  try {
    const ports = await receiver.ask('listen', await authority.issue(['localhost']));
    const sinks: Record<Kind, SinkInput> = {
      syslog: {
        ...{ name: 'syslog', kind: 'syslog', from: 'beginning' },
        settings: { host: 'localhost', port: ports.syslog, ca: authority.certificatePem },
      },
      'splunk-hec': {
        ...{ name: 'hec', kind: 'splunk-hec', from: 'beginning' },
        settings: { url: `https://localhost:${ports.hec}`, token: 'of-the-bench' },
      },
    };
    return describe(await runAll(say, { receiver, sinks, ca: authority.certificatePem }));
  } finally {
    await receiver.end();
  }
}

interface Stage {
  readonly receiver: Child<ReceiverProcess>;
  readonly sinks: Readonly<Record<Kind, SinkInput>>;
  readonly ca: string;
}

async function runAll(say: (line: string) => void, stage: Stage): Promise<Figures> {
  let filledPerSecond = 0;
  const company = await foundCompany(1, {
    settings: {
      events: { stdout: false, buffer_events: 2 * BEHIND },
      outbound: { allowed_networks: ['127.0.0.0/8', '::1/128'], ca_file: './receiver-ca.pem' },
    },
    files: { 'receiver-ca.pem': stage.ca },
    fill: async ({ database, signer }) => {
      say(`events: ${BEHIND.toLocaleString('en-US')} are reported before anybody takes them`);
      filledPerSecond = await fillEvents({ database, iss: signer.iss }, BEHIND);
    },
  });
  try {
    const drains: Record<Kind, Drain[]> = { syslog: [], 'splunk-hec': [] };
    const lags: Record<Kind, readonly number[]> = { syslog: [], 'splunk-hec': [] };
    for (const kind of ['syslog', 'splunk-hec'] as const) {
      for (let run = 1; run <= RUNS; run += 1) {
        say(`events: ${NAMES[kind]}, run ${run} of ${RUNS}`);
        drains[kind].push(await drain(company, stage, kind));
      }
      lags[kind] = await follow(company, stage, kind);
    }
    return { filledPerSecond, drains, lags };
  } finally {
    await company.remove();
  }
}

/** Has the bridge change its sinks, and stops it. */
async function withBridge<T>(
  { configPath }: Company,
  work: (bridge: Child<BridgeProcess>) => Promise<T>,
): Promise<T> {
  const bridge = startChild<BridgeProcess>('./bridge-process', import.meta.url);
  try {
    await bridge.ask('start', { configPath });
    return await work(bridge);
  } finally {
    await bridge.end();
  }
}

/** The bridge as it was built, from its start, with everything behind. */
async function drain(company: Company, { receiver, sinks }: Stage, kind: Kind): Promise<Drain> {
  await receiver.ask('hold', true);
  const id = await withBridge(company, (bridge) => bridge.ask('addSink', sinks[kind]));
  await receiver.ask('hold', false);
  await receiver.ask('forget', undefined);
  const served = await serveBridge(company);
  try {
    await arrived(receiver, DRAINED);
    const came = await receiver.ask('arrivals', undefined);
    checkOrder(came);
    return { perSecond: came.events / (came.ms / 1_000), peakMb: await served.peakMb() };
  } finally {
    await served.stop();
    await withBridge(company, (bridge) => bridge.ask('removeSink', id));
  }
}

/** A bridge whose receiver is not behind, with a steady stream of events. */
async function follow(company: Company, { receiver, sinks }: Stage, kind: Kind): Promise<readonly number[]> {
  return withBridge(company, async (bridge) => {
    const id = await bridge.ask('addSink', { ...sinks[kind], from: 'now' });
    await wait(1_000);
    await receiver.ask('forget', undefined);
    await bridge.ask('report', PACED);
    await arrived(receiver, PACED.events);
    const came = await receiver.ask('arrivals', undefined);
    checkOrder(came);
    await bridge.ask('removeSink', id);
    return [...came.lags];
  });
}

async function arrived(receiver: Child<ReceiverProcess>, count: number): Promise<void> {
  for (const until = performance.now() + GIVE_UP_MS; performance.now() < until; await wait(LOOK_MS)) {
    if ((await receiver.ask('arrivals', undefined)).events >= count) return;
  }
  throw new Error(`${count} events did not arrive`);
}

function checkOrder({ outOfOrder }: Arrivals): void {
  if (outOfOrder > 0) throw new Error(`${outOfOrder} events came out of their order`);
}

function describe({ filledPerSecond, drains, lags }: Figures): Chapter {
  const kinds = ['syslog', 'splunk-hec'] as const;
  const behind = BEHIND.toLocaleString('en-US');
  const rates = (kind: Kind) => drains[kind].map(({ perSecond }) => perSecond);
  const peaks = kinds.flatMap((kind) => drains[kind].map(({ peakMb }) => peakMb));
  return {
    title: 'Events to their receivers',
    text:
      `\`countersign serve\` on the embedded store with ${behind} events behind (reported and given their places at ` +
      `${shown(filledPerSecond)} a second), one sink at a time, over TLS to a process on the same machine that does nothing but ` +
      `take them; events a second over the first ${DRAINED.toLocaleString('en-US')} of them, and the most memory until then; ` +
      `${RUNS} runs. Then ${PACED.events.toLocaleString('en-US')} events at ${PACED.perSecond} a second: from when each ` +
      'happened until the receiver had it. No event came out of its order.',
    tables: [
      {
        head: ['', 'events a second, median', 'least', 'most', 'most MB', 'lag p50, ms', 'lag p99, ms'],
        rows: kinds.map((kind) => [
          NAMES[kind],
          ...[median(rates(kind)), Math.min(...rates(kind)), Math.max(...rates(kind))].map(shown),
          shown(Math.max(...drains[kind].map(({ peakMb }) => peakMb))),
          ...[shown(percentile(lags[kind], 50)), shown(percentile(lags[kind], 99))],
        ]),
      },
    ],
    goals: [
      ...kinds.map((kind) => ({
        name: `Events a second to ${NAMES[kind]}`,
        wanted: `at least ${WANTED_RATE.toLocaleString('en-US')}`,
        measured: shown(median(rates(kind))),
        met: median(rates(kind)) >= WANTED_RATE,
      })),
      {
        name: `Memory with ${behind} events behind, at the most`,
        wanted: `less than ${WANTED_MB} MB`,
        measured: `${shown(Math.max(...peaks))} MB`,
        met: Math.max(...peaks) < WANTED_MB,
      },
      ...kinds.map((kind) => ({
        name: `From commit to ${NAMES[kind]} at ${PACED.perSecond} events a second, p99`,
        wanted: `less than ${WANTED_LAG_MS} ms`,
        measured: `${shown(percentile(lags[kind], 99))} ms`,
        met: percentile(lags[kind], 99) < WANTED_LAG_MS,
      })),
    ],
  };
}
