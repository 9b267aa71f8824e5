import type { Config } from '../config/index.ts';
import { startClockWatch } from '../events/clock-watch.ts';
import type { EventInputOf } from '../events/event.ts';
import { composeApp } from '../http/compose-app.ts';
import { createEventStreams } from '../http/event-streams.ts';
import { startServer } from '../http/server.ts';
import type { Closing } from '../lib/closing.ts';
import { STOP_GRACE_MS } from '../lib/limits.ts';
import { parseNetwork } from '../lib/networks.ts';
import { SYSTEM } from '../lib/request-context.ts';
import { startBackgroundWork } from '../lifecycle/background-work.ts';
import { answerMetrics } from '../metrics/answer-metrics.ts';
import { observeState } from '../metrics/observe-state.ts';
import type { Services } from './compose-services.ts';
import type { Foundation } from './open-foundation.ts';

type Lifespan =
  | Pick<EventInputOf<'bridge.started'>, 'type' | 'data'>
  | Pick<EventInputOf<'bridge.stopped'>, 'type' | 'data'>;

export interface RunningBridge {
  /** The issuer: where clients reach it. */
  readonly origin: string;
  /** The TCP port that it listens on. */
  readonly port: number;
  /** The TCP port of the metrics, where they are configured. */
  readonly metricsPort: number | undefined;
  /** For what runs in the process beside the server: commands and tests. */
  readonly services: Services & Pick<Foundation, 'events' | 'eventCheckpoints' | 'decisions' | 'sinks'>;
  /** Finishes open requests within bounds, writes what is under way, closes. It never rejects. */
  stop(): Promise<void>;
}

/** Takes requests, and stops taking them before anything else is closed. */
export async function serve(
  foundation: Foundation,
  services: Services,
  config: Config,
  closing: Closing,
): Promise<RunningBridge> {
  const { logger, events, tls, version } = foundation;
  const trustedProxies = config.listen.trusted_proxies
    .map(parseNetwork)
    .filter((network) => network !== undefined);
  const say = (event: Lifespan) => events.record({ ...event, actor: SYSTEM.actor, outcome: 'success' });
  let started = false;
  closing.add('last event', () => (started ? say({ type: 'bridge.stopped', data: {} }) : undefined));
  const { metrics } = foundation;
  const streams = createEventStreams({
    logger,
    observe: (route, open) => metrics?.set('countersign_open_streams', { route }, open),
  });
  services.watches.start();
  closing.add('watches', () => services.watches.stop());
  services.sentSignals.start();
  closing.add('signals', () => services.sentSignals.stop());
  const server = await startServer({
    address: config.listen.address,
    port: config.listen.port,
    ...(tls === undefined ? {} : { tls }),
    answer: composeApp({
      ...{ ...foundation, ...services, trustedProxies, streams },
      observeRequest: (request, seconds) =>
        metrics?.observe('countersign_http_request_duration_seconds', request, seconds),
    }),
  });
  closing.add('server', () => server.stop(STOP_GRACE_MS));
  // Before the server: it would wait for them.
  services.meetings.start();
  closing.add('meetings', () => services.meetings.stop());
  closing.add('streams', () => streams.stop());
  const metricsPort = await serveMetrics(foundation, services, config, closing);
  const background = startBackgroundWork({
    ...foundation,
    ...services,
    expiring: [
      services.enrolments,
      services.deviceAdditions,
      services.recoveries,
      services.rotations,
      services.groups.endings,
    ],
    purging: [
      foundation.decisions,
      services.policyChanges,
      services.administrators,
      services.traces,
      services.authorizationServer,
      services.groups.endings,
      services.keptEscrowEnding,
      services.encryptionKey,
      services.meetings,
      services.partnerSignals,
      services.sentSignals,
    ],
  });
  closing.add('background work', () => background.stop());
  const clockWatch = startClockWatch({ events, logger });
  closing.add('clock watch', () => clockWatch.stop());
  // First of all: nobody is let in while the rest ends.
  closing.add('new connections', () => server.refuse());
  await say({ type: 'bridge.started', data: { version } });
  started = true;
  const { eventCheckpoints, decisions, sinks } = foundation;
  const { port } = server;
  logger.info({ issuer: config.issuer, port, tls: tls !== undefined, version }, 'the bridge runs');
  for (const warning of (await services.readiness()).warnings) logger.warn(warning);
  return {
    origin: config.issuer,
    port,
    metricsPort,
    services: { ...services, events, eventCheckpoints, decisions, sinks },
    async stop() {
      logger.info('the bridge stops: open requests are finished first');
      await closing.close();
      logger.info('the bridge has stopped');
    },
  };
}

/** Metrics have a listener of their own; answers its port, where there is one. */
async function serveMetrics(
  foundation: Foundation,
  { readiness, sentSignals, witness }: Services,
  config: Config,
  closing: Closing,
): Promise<number | undefined> {
  const { metrics, logger } = foundation;
  if (metrics === undefined || config.metrics === undefined) return undefined;
  observeState(metrics, {
    ...foundation,
    sinks: () => foundation.sinks.list(),
    signals: () => sentSignals.state(),
    readiness,
    witness,
  });
  const answer = answerMetrics(metrics, logger);
  const server = await startServer({ ...config.metrics, setting: 'metrics', answer });
  closing.add('metrics', () => server.stop(METRICS_STOP_MS));
  return server.port;
}

/** A scrape that is under way may end. */
const METRICS_STOP_MS = 500;
