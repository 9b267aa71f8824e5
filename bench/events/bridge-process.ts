import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '../../bridge/config/index.ts';
import type { SinkInput } from '../../bridge/events/sinks/sinks.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { type RunningBridge, startBridge } from '../../bridge/main.ts';
import { answerParent } from '../processes/child.ts';
import { someEvent } from './some-event.ts';

/** A real bridge, whole, in a process of its own, that reports as many events as it is told. */
let bridge: RunningBridge | undefined;

function running(): RunningBridge {
  if (bridge === undefined) throw new Error('the bridge was not started');
  return bridge;
}

const TICK_MS = 10;

const handlers = {
  start: async ({ configPath }: { configPath: string }) => {
    bridge = await startBridge(loadConfig({ path: configPath, env: {} }), {
      logger: createLogger({ level: 'error' }),
    });
  },
  addSink: async (input: SinkInput) => (await running().services.sinks.create(input, SYSTEM)).id,
  removeSink: (id: string) => running().services.sinks.remove(id, SYSTEM),
  /** Evenly over the time. */
  report: async ({ events, perSecond }: { readonly events: number; readonly perSecond: number }) => {
    const begun = performance.now();
    const reports: Promise<void>[] = [];
    while (reports.length < events) {
      const due = Math.min(events, Math.floor(((performance.now() - begun) / 1_000) * perSecond));
      while (reports.length < due) reports.push(running().services.events.record(someEvent(reports.length)));
      await wait(TICK_MS);
    }
    await Promise.all(reports);
  },
};
export type BridgeProcess = typeof handlers;

answerParent(handlers, () => bridge?.stop());
