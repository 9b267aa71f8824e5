import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { readCaCertificates, readTls } from '../config/certificate-files.ts';
import type { Config } from '../config/index.ts';
import { keyEncryptionKeys } from '../config/key-encryption-keys.ts';
import { createEventLog } from '../events/database-event-log.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closing } from '../lib/closing.ts';
import type { Logger } from '../lib/logger.ts';
import { createOutbound } from '../lib/outbound.ts';
import { createDnsResolver, type Resolver } from '../lib/resolver.ts';
import { readVersion } from '../lib/version.ts';
import { allOrFaults } from '../lifecycle/start-faults.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { watchEvents, watchParts } from '../metrics/watch-parts.ts';
import { watchTransforms } from '../metrics/watch-transforms.ts';
import type { Decide } from '../policy/decision.ts';
import { createDecisionRecorder } from '../policy/decisions/decision-recorder.ts';
import type { Policy } from '../policy/policy.ts';
import { openPolicy } from '../policy/versions/policy-in-force.ts';
import { openLocalSigner } from '../signer/local-signer.ts';
import { createSignatures, type Signatures } from '../signer/signatures.ts';
import { openCache, openDatabase } from '../storage/open-storage.ts';
import { createTransforms } from '../transforms/transform-pool.ts';
import { openEventProofs } from './open-event-proofs.ts';
import { openKeyLog } from './open-key-log.ts';
import { openSinks } from './open-sinks.ts';

/** What tests and the demo put in the place of the machine's own. */
export interface BridgeOverrides {
  readonly resolver?: Resolver;
  readonly clock?: Clock;
  readonly engine?: TransformEngine;
  readonly logger?: Logger;
  /** What decides in the place of the policy in force: for the bench, which measures without it. */
  readonly decideBy?: (decide: Decide) => Decide;
  /** Made otherwise: for the bench, which counts them. */
  readonly signatures?: Signatures;
}

export type Foundation = Awaited<ReturnType<typeof openFoundation>>;

/** Opens what rests on the machine: keys, store, logs. */
export async function openFoundation(
  config: Config,
  given: BridgeOverrides & { clock: Clock; logger: Logger },
  closing: Closing,
) {
  const { clock, logger } = given;
  const version = readVersion();
  const signatures = given.signatures ?? openSignatures(logger);
  closing.add('signatures', () => signatures.close());
  const { store, tls, caCertificates, ...loaded } = await allOrFaults({
    store: () => openStore(config, { clock, signatures }, closing),
    tls: () => readTls(config),
    caCertificates: () => readCaCertificates(config),
    engine: () => given.engine ?? loadEngine(logger),
  });
  const { signer } = store;
  const opened = await openCache(config.cache, clock);
  closing.add('cache', () => opened.close());
  const metrics = await openMetrics(config);
  const parts = { database: store.database, cache: opened, engine: loaded.engine };
  const { database, cache, engine } = watchParts(parts, metrics);
  const transforms = createTransforms({
    ...config.transforms,
    engine: engine.name,
    observer: metrics === undefined ? undefined : watchTransforms(metrics),
  });
  closing.add('transforms', () => transforms.stop());
  const resolver = given.resolver ?? createDnsResolver(dnsServers(config));
  const outbound = createOutbound({
    resolver,
    allowedNetworks: config.outbound.allowed_networks,
    caCertificates,
  });
  closing.add('outbound', () => outbound.close());

  const events = createEventLog({ database, clock, logger, iss: config.issuer, cache });
  watchEvents(events, metrics);
  const { sinks, delivery } = openSinks(
    { database, signer, clock, logger, cache, outbound, resolver, caCertificates, events, version },
    config,
  );
  closing.add('delivery', () => delivery.stop());
  closing.add('events', () => events.stop());
  events.start();
  delivery.start();
  const log = await openKeyLog(
    { database, signer, clock, logger, cache, outbound, events, metrics },
    config,
    closing,
  );
  const { keyLog, headTrust } = log;
  const eventProofParts = openEventProofs(
    { database, signer, clock, logger, events, delivery, headTrust },
    config.events,
    closing,
  );

  const decisions = createDecisionRecorder({ database, clock, logger });
  closing.add('decisions', () => decisions.stop());
  decisions.start();
  const policyInForce = await openPolicy({ database, signer, keyLog, events, cache, clock, logger });
  closing.add('policy', () => policyInForce.stop());
  const policy = withDecide(decisions.watch(policyInForce), given.decideBy);
  logger.info({ engine: engine.name, engine_version: engine.version }, 'proxy re-encryption is ready');
  return {
    version,
    clock,
    logger,
    database,
    signer,
    verifySignature: signatures.verify,
    tls,
    engine,
    transforms,
    cache,
    resolver,
    outbound,
    events,
    sinks,
    delivery,
    metrics,
    policy,
    policyInForce,
    decisions,
    ...log,
    ...eventProofParts,
  };
}

/** The rest of it is still read anew each time. */
function withDecide<Given extends Policy>(policy: Given, decideBy: BridgeOverrides['decideBy']): Given {
  if (decideBy === undefined) return policy;
  return Object.create(policy, { decide: { value: decideBy(policy.decide) } });
}

function openSignatures(logger: Logger): Signatures {
  return createSignatures({
    onFailure: (err) =>
      logger.warn({ err }, 'the thread for signatures failed; they are made without it for a while'),
  });
}

async function openStore(
  config: Config,
  { clock, signatures }: { clock: Clock; signatures: Signatures },
  closing: Closing,
) {
  const database = await openDatabase(config.storage, clock, { mustExist: true });
  closing.add('database', () => database.close());
  await database.migrate();
  const signer = await openLocalSigner({
    ...{ database, ...keyEncryptionKeys(config), iss: config.issuer, clock },
    signMessage: signatures.sign,
  });
  return { database, signer };
}

/** Loaded by those that configure them. */
async function openMetrics(config: Config): Promise<Metrics | undefined> {
  if (config.metrics === undefined) return undefined;
  const { createMetrics } = await import('../metrics/metrics.ts');
  return createMetrics();
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
