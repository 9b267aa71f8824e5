import { systemClock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import type { FormatName } from '../../connectors/siem/formats/formatter.ts';
import type { Sink, SinkDeps, SinkKind } from '../../connectors/siem/sink.ts';
import type { Fault, Receiver } from '../fakes/receivers/receiver.ts';
import type { ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import type { SinkFixture } from './sink-contract.ts';

const ISS = 'https://bridge.acme.example';

/** What a sink over HTTP is opened with, in tests. */
export function httpSinkDeps(
  network: Pick<ReceiverNetwork, 'outbound'>,
  format: FormatName,
  write: (line: string) => void = () => {},
): SinkDeps {
  return {
    outbound: network.outbound,
    sockets: { connect: () => Promise.reject(new Error('a sink over HTTP opens no socket')) },
    clock: systemClock,
    logger: createLogger({ level: 'debug', destination: { write } }),
    formatter: createFormatter(format, { iss: ISS, organization: 'Acme', version: '1.2.3' }),
    iss: ISS,
    sink: 'snk_test',
    fileFolders: [],
  };
}

export interface HttpSinkParts {
  readonly network: ReceiverNetwork;
  readonly kind: SinkKind;
  readonly format: FormatName;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly receiver: Receiver & { readonly held: readonly string[] };
  readonly secrets: readonly string[];
  /** Of a kind that cannot refuse one event: absent. */
  readonly refuse?: (eventId: string) => void;
  /** Answers of this receiver that are 200 and yet no success. */
  readonly lies?: readonly Fault[];
}

/** A fixture for the contract of sinks, from the parts that differ. */
export function httpSinkFixture(parts: HttpSinkParts): SinkFixture & { open(): Sink } {
  const { receiver, refuse, network } = parts;
  let log = '';
  const deps = httpSinkDeps(network, parts.format, (line) => {
    log += line;
  });
  const during = (fault: Fault) => () => {
    receiver.failAlways(fault);
    return () => receiver.failAlways(undefined);
  };
  const echo = parts.secrets.join(' ');
  const faults: readonly Fault[] = [
    { status: 503, body: 'busy' },
    { status: 500, body: `<html>${echo}</html>` },
    { status: 429, headers: { 'retry-after': '1' } },
    'drop',
    'take-and-drop',
    ...(parts.lies ?? []),
  ];
  return {
    open: () => parts.kind.open(parts.settings, deps),
    held: () => receiver.held,
    breaches: () => receiver.breaches,
    secrets: parts.secrets,
    log: () => log,
    faults: {
      unavailable: during({ status: 503, body: `try later, ${echo}` }),
      busy: { seconds: 17, begin: during({ status: 429, headers: { 'retry-after': '17' } }) },
      silent: during('hang'),
      misconfigured: during({ status: 403, body: `not with ${echo}` }),
      ...(refuse === undefined
        ? {}
        : {
            refusesEvent: (eventId) => {
              refuse(eventId);
              return () => {};
            },
          }),
      disturb: (random) => {
        const pick = () => faults[Math.floor(random() * faults.length)] ?? 'drop';
        receiver.failWith(...Array.from({ length: 10 }, pick));
      },
    },
    close: async () => {
      await receiver.close();
      await network.close();
    },
  };
}
