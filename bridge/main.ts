import { stdoutSink } from '../connectors/siem/stdout.ts';
import { loadTransformEngine } from '../recrypt/load-node.ts';
import type { TransformEngine } from '../recrypt/transform-engine.ts';
import { createCredentials } from './binding/credentials.ts';
import { createDeviceAdditions } from './binding/device-additions.ts';
import { createEnrolments } from './binding/enrolments.ts';
import { createProfiles } from './binding/profiles.ts';
import { createVaults } from './binding/vaults.ts';
import { createWatches } from './binding/watches.ts';
import { readCaCertificates, readTls } from './config/certificate-files.ts';
import type { Config } from './config/index.ts';
import { createEventLog } from './events/database-event-log.ts';
import { createDelivery } from './events/delivery.ts';
import type { EventInputOf } from './events/event.ts';
import { createLiveEvents } from './events/live-events.ts';
import { createAnswerCache } from './federation/answer-cache.ts';
import { createEntityConfiguration } from './federation/entity-configuration.ts';
import { createEntityReader } from './federation/entity-reader.ts';
import { createLookUps } from './federation/look-ups.ts';
import { createPartnerClient } from './federation/partner-client.ts';
import { createPartnerRecords } from './federation/partner-records.ts';
import { listPartners } from './federation/partner-store.ts';
import { createPartners } from './federation/partners.ts';
import { composeApp } from './http/compose-app.ts';
import { createEventStreams } from './http/event-streams.ts';
import { brokenRequestPage } from './http/pages/sign-in-pages.ts';
import { startServer } from './http/server.ts';
import { createAdministrators } from './identity/administrators.ts';
import { createConnections } from './identity/connections.ts';
import { createDomains } from './identity/domains.ts';
import { createSignInTraces } from './identity/sign-in-traces.ts';
import { createSignIns } from './identity/sign-ins.ts';
import { createKeyLog } from './keylog/database-key-log.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { type Closing, createClosing } from './lib/closing.ts';
import { STOP_GRACE_MS } from './lib/limits.ts';
import { createLogger, type Logger } from './lib/logger.ts';
import { parseNetwork } from './lib/networks.ts';
import { createOutbound } from './lib/outbound.ts';
import { SYSTEM } from './lib/request-context.ts';
import { createDnsResolver, type Resolver } from './lib/resolver.ts';
import { readVersion } from './lib/version.ts';
import { startBackgroundWork } from './lifecycle/background-work.ts';
import { createLifecycle } from './lifecycle/lifecycle.ts';
import { createPersonOverviews } from './lifecycle/person-overview.ts';
import { stagePolicy } from './lifecycle/policy-version.ts';
import { createReadiness } from './lifecycle/readiness.ts';
import { allOrFaults } from './lifecycle/start-faults.ts';
import { answerMetrics } from './metrics/answer-metrics.ts';
import { createMetrics } from './metrics/metrics.ts';
import { observeState } from './metrics/observe-state.ts';
import { watchEvents, watchParts } from './metrics/watch-parts.ts';
import { createApps } from './oauth/apps.ts';
import { createAuthorizationServer } from './oauth/create-authorization-server.ts';
import { createDeviceSignIns } from './oauth/device-sign-ins.ts';
import { endGrantsOfConnection } from './oauth/record-store.ts';
import { createServices } from './oauth/services.ts';
import { createFindTokenEnd } from './oauth/token-holder.ts';
import { createBuiltInPolicy } from './policy/built-in-policy.ts';
import { openLocalSigner } from './signer/local-signer.ts';
import type { Query, Transaction } from './storage/database.ts';
import { openCache, openDatabase } from './storage/open-storage.ts';

/** What tests and the demo put in the place of the machine's own. */
export interface BridgeOverrides {
  readonly resolver?: Resolver;
  readonly clock?: Clock;
  readonly engine?: TransformEngine;
  readonly logger?: Logger;
}

export interface RunningBridge {
  /** The issuer: where clients reach it. */
  readonly origin: string;
  /** The TCP port that it listens on. */
  readonly port: number;
  /** The TCP port of the metrics, where they are configured. */
  readonly metricsPort: number | undefined;
  /** For what runs in the process beside the server: commands and tests. */
  readonly services: Services & Pick<Foundation, 'events'>;
  /** Finishes open requests within bounds, writes what is under way, closes. It never rejects. */
  stop(): Promise<void>;
}

type Foundation = Awaited<ReturnType<typeof openFoundation>>;
type Lifespan =
  | Pick<EventInputOf<'bridge.started'>, 'type' | 'data'>
  | Pick<EventInputOf<'bridge.stopped'>, 'type' | 'data'>;
type Services = ReturnType<typeof composeServices>;

/**
 * The composition root. Resolves when requests are taken. Throws `config_invalid` or `state_refused` with everything
 * that is wrong and what to do; nothing is left open then.
 */
export async function startBridge(config: Config, overrides: BridgeOverrides = {}): Promise<RunningBridge> {
  const clock = overrides.clock ?? systemClock;
  const logger = overrides.logger ?? createLogger({ level: config.log.level, clock });
  const closing = createClosing(logger);
  try {
    const foundation = await openFoundation(config, { ...overrides, clock, logger }, closing);
    const services = composeServices(foundation, config);
    return await serve(foundation, services, config, closing);
  } catch (error) {
    await closing.close();
    throw error;
  }
}

/** Opens what rests on the machine: keys, store, logs. */
async function openFoundation(
  config: Config,
  given: BridgeOverrides & { clock: Clock; logger: Logger },
  closing: Closing,
) {
  const { clock, logger } = given;
  const version = readVersion();
  const { store, tls, caCertificates, ...loaded } = await allOrFaults({
    store: () => openStore(config, clock, closing),
    tls: () => readTls(config),
    caCertificates: () => readCaCertificates(config),
    engine: () => given.engine ?? loadEngine(logger),
  });
  const { signer } = store;
  const opened = await openCache(config.cache, clock);
  closing.add('cache', () => opened.close());
  const metrics = config.metrics === undefined ? undefined : createMetrics();
  const parts = { database: store.database, cache: opened, engine: loaded.engine };
  const { database, cache, engine } = watchParts(parts, metrics);
  const resolver = given.resolver ?? createDnsResolver(dnsServers(config));
  const outbound = createOutbound({
    resolver,
    allowedNetworks: config.outbound.allowed_networks,
    caCertificates,
  });
  closing.add('outbound', () => outbound.close());

  const events = createEventLog({ database, clock, logger, iss: config.issuer, cache });
  watchEvents(events, metrics);
  const sinks = config.events.stdout ? [stdoutSink()] : [];
  const delivery = createDelivery({ database, log: events, sinks, logger });
  closing.add('delivery', () => delivery.stop());
  closing.add('events', () => events.stop());
  const keyLog = createKeyLog({ database, logger, cache });
  closing.add('key log', () => keyLog.stop());
  events.start();
  keyLog.start();
  delivery.start();

  const policy = createBuiltInPolicy({
    maxDevices: config.enrolment.max_devices,
    requireMultiFactor: config.enrolment.require_mfa,
  });
  await stagePolicy({ database, keyLog }, policy);
  logger.info({ engine: engine.name, engine_version: engine.version }, 'proxy re-encryption is ready');
  return {
    version,
    clock,
    logger,
    database,
    signer,
    tls,
    engine,
    cache,
    resolver,
    outbound,
    events,
    sinks,
    metrics,
    keyLog,
    policy,
  };
}

async function openStore(config: Config, clock: Clock, closing: Closing) {
  const database = await openDatabase(config.storage, clock);
  closing.add('database', () => database.close());
  await database.migrate();
  const keyEncryptionKey = new Uint8Array(
    Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'),
  );
  const signer = await openLocalSigner({ database, keyEncryptionKey, iss: config.issuer, clock });
  return { database, signer };
}

function dnsServers(config: Config): { servers?: readonly string[] } {
  const servers = config.outbound.dns_servers;
  return servers === undefined ? {} : { servers };
}

function loadEngine(logger: Logger): Promise<TransformEngine> {
  return loadTransformEngine({
    onFallback: (reason) => {
      const cause = reason instanceof Error && reason.cause instanceof Error ? reason.cause : reason;
      const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
      logger.info({ why }, 'the native addon is not used; WebAssembly takes its place');
    },
  });
}

/** The contexts, each built from the ones below it. */
function composeServices(foundation: Foundation, config: Config) {
  const { clock, database, signer, cache, outbound, events, policy } = foundation;
  const { issuer } = config;
  const { decide } = policy;
  const organization = config.organization.name;
  const common = { ...foundation, issuer, organization, decide };

  const administrators = createAdministrators(common);
  const domains = createDomains({ ...common, partnerOf });
  const connections = createConnections({ ...common, endGrants: endGrantsOfConnection });
  const signIns = createSignIns({ ...common, connections });
  const traces = createSignInTraces(common);

  const apps = createApps(common);
  const services = createServices(common);
  const authorizationServer = createAuthorizationServer({
    ...common,
    settings: {
      accessTokenSeconds: config.lifetimes.access_token_minutes * 60,
      refreshTokenSeconds: config.lifetimes.refresh_token_days * 86_400,
    },
    errorPage: (description, { requestId }) => brokenRequestPage({ organization, description, requestId }),
  });

  const deviceSignIns = createDeviceSignIns({
    ...{ ...common, signIns },
    deviceCodes: authorizationServer.deviceCodes,
  });

  const binding = { ...common, bindingLifeSeconds: config.lifetimes.binding_hours * 3_600 };
  const credentials = createCredentials(binding);
  const enrolments = createEnrolments({ ...binding, credentials });
  const deviceAdditions = createDeviceAdditions(binding);
  const vaults = createVaults(binding);
  const profiles = createProfiles({ ...binding, credentials });
  const watches = createWatches({ ...foundation, tokenEnd: createFindTokenEnd(foundation) });
  const liveEvents = createLiveEvents(events);

  const readEntity = createEntityReader({ outbound, clock });
  const partners = createPartners({ ...common, iss: issuer, readEntity });
  const lookUps = createLookUps({
    ...{ signer, database, events, clock, decide, credentials, partners },
    records: createPartnerRecords(foundation),
    askPartner: createPartnerClient({ signer, outbound, partners, clock }),
    answers: createAnswerCache({ cache, clock }),
    defaultMaxAge: config.lifetimes.lookup_max_age_seconds,
  });
  const describeEntity = createEntityConfiguration({ ...foundation, organizationName: organization });

  const lifecycle = createLifecycle({ ...common, tokens: authorizationServer });
  const personOverviews = createPersonOverviews(foundation);
  const readiness = createReadiness(foundation);
  return {
    ...{ issuer, organization, decide, administrators, domains, connections, signIns, traces, apps },
    ...{ authorizationServer, credentials, enrolments, deviceAdditions, vaults, profiles, partners },
    ...{ watches, liveEvents, deviceSignIns, services },
    ...{ lookUps, describeEntity, lifecycle, personOverviews, readiness },
  };
}

/** The partner that a domain is approved for: a domain is never both ours and theirs. */
async function partnerOf(reader: Query | Transaction, domain: string): Promise<string | undefined> {
  const partners = await listPartners(reader);
  return partners.find(({ status, domains }) => status !== 'removed' && domains.includes(domain))?.entity_id;
}

/** Takes requests, and stops taking them before anything else is closed. */
async function serve(
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
  closing.add('streams', () => streams.stop());
  const metricsPort = await serveMetrics(foundation, services, config, closing);
  const background = startBackgroundWork({
    ...foundation,
    ...services,
    expiring: [services.enrolments, services.deviceAdditions],
    purging: [services.administrators, services.traces, services.authorizationServer],
  });
  closing.add('background work', () => background.stop());
  await say({ type: 'bridge.started', data: { version } });
  started = true;
  const { port } = server;
  logger.info({ issuer: config.issuer, port, tls: tls !== undefined, version }, 'the bridge runs');
  for (const warning of (await services.readiness()).warnings) logger.warn(warning);
  return {
    origin: config.issuer,
    port,
    metricsPort,
    services: { ...services, events },
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
  { readiness }: Services,
  config: Config,
  closing: Closing,
): Promise<number | undefined> {
  const { metrics, logger } = foundation;
  if (metrics === undefined || config.metrics === undefined) return undefined;
  observeState(metrics, {
    ...foundation,
    sinks: foundation.sinks.map(({ name }) => name),
    reasons: async () => (await readiness()).reasons,
  });
  const answer = answerMetrics(metrics, logger);
  const server = await startServer({ ...config.metrics, setting: 'metrics', answer });
  closing.add('metrics', () => server.stop(METRICS_STOP_MS));
  return server.port;
}

/** A scrape that is under way may end. */
const METRICS_STOP_MS = 500;
