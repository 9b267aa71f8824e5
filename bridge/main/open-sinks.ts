import { SINK_KINDS } from '../../connectors/siem/kinds.ts';
import { stdoutSink } from '../../connectors/siem/stdout.ts';
import type { Config } from '../config/index.ts';
import type { SequencedEventLog } from '../events/database-event-log.ts';
import { createDelivery, type Delivery } from '../events/delivery.ts';
import { createSinks } from '../events/sinks/create-sinks.ts';
import { createSinkDefinitions, createSinkOpener } from '../events/sinks/open-sinks.ts';
import type { Sinks } from '../events/sinks/sinks.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outbound } from '../lib/outbound.ts';
import { createOutboundSockets } from '../lib/outbound-sockets.ts';
import type { Resolver } from '../lib/resolver.ts';
import type { Signer } from '../signer/signer.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';

interface SinkNeeds {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly cache: Keyspace;
  readonly outbound: Outbound;
  readonly resolver: Resolver;
  readonly caCertificates: readonly string[] | undefined;
  readonly events: SequencedEventLog;
  readonly version: string;
}

export interface SinkParts {
  readonly sinks: Sinks;
  readonly delivery: Delivery;
}

/** The places that events are delivered to, those of the configuration and those of administrators. Nothing runs yet. */
export function openSinks(needs: SinkNeeds, config: Config): SinkParts {
  const { clock, logger, outbound, resolver, caCertificates, events, version } = needs;
  const { issuer: iss } = config;
  const sockets = createOutboundSockets({
    ...{ resolver, allowedNetworks: config.outbound.allowed_networks },
    ...(caCertificates === undefined ? {} : { caCertificates }),
  });
  const origin = { iss, organization: config.organization.name, version };
  const fileFolders = config.events.file_folders;
  const opener = createSinkOpener(SINK_KINDS, { outbound, sockets, clock, logger, fileFolders }, origin);
  const builtins = config.events.stdout ? [{ name: 'stdout', kind: 'stdout', open: () => stdoutSink() }] : [];
  const bufferEvents = config.events.buffer_events;
  const definitions = createSinkDefinitions({ ...needs, opener, builtins });
  const delivery = createDelivery({ ...needs, log: events, definitions, bufferEvents });
  const sinks = createSinks({ ...needs, opener, builtins, delivery, iss, bufferEvents });
  return { sinks, delivery };
}
