import { systemClock } from '../../../bridge/lib/clock.ts';
import { createLogger } from '../../../bridge/lib/logger.ts';
import { createOutboundSockets } from '../../../bridge/lib/outbound-sockets.ts';
import { createFormatter } from '../../../connectors/siem/formats/create-formatter.ts';
import type { FormatName } from '../../../connectors/siem/formats/formatter.ts';
import type { Sink, SinkDeps } from '../../../connectors/siem/sink.ts';
import type { SyslogTimes } from '../../../connectors/siem/syslog/syslog-sink.ts';
import { openSyslog, SYSLOG, type SyslogSettings } from '../../../connectors/siem/syslog.ts';
import { createNames } from '../../fakes/names.ts';
import type { SyslogMessage } from '../../fakes/syslog/parse-message.ts';

export const HOST = 'siem.acme.example';
const ISS = 'https://bridge.acme.example';

const names = createNames();
names.addHost(HOST, '127.0.0.1');

/** What a syslog sink is opened with; `allowed`: loopback is where receivers of tests are. */
export function syslogDeps(
  options: { format?: FormatName; allowed?: readonly string[]; write?: (line: string) => void } = {},
): SinkDeps {
  const { format = 'plain', allowed = ['127.0.0.0/8'], write = () => {} } = options;
  return {
    outbound: { close: async () => {} } as SinkDeps['outbound'],
    sockets: createOutboundSockets({ resolver: names, allowedNetworks: allowed }),
    clock: systemClock,
    logger: createLogger({ level: 'debug', destination: { write } }),
    formatter: createFormatter(format, { iss: ISS, organization: 'Acme', version: '1.2.3' }),
    iss: ISS,
    sink: 'snk_test',
    fileFolders: [],
  };
}

/** Settings as an administrator gives them, with the defaults of the rest. */
export function syslogSettings(given: Record<string, unknown>): SyslogSettings {
  return SYSLOG.settings.parse({ host: HOST, ...given }) as SyslogSettings;
}

/** Short, but no shorter than a busy machine takes to tell of a reset. */
const SHORT: Partial<SyslogTimes> = { lingerMs: 200, finishMs: 5_000 };

export function openTestSink(
  given: Record<string, unknown>,
  deps: SinkDeps = syslogDeps(),
  times: Partial<SyslogTimes> = SHORT,
): Sink {
  return openSyslog(syslogSettings(given), deps, times);
}

/** The first parameter of that name in our element. */
export function paramOf({ structuredData }: SyslogMessage, name: string): string | undefined {
  return structuredData['countersign@32473']?.find(([found]) => found === name)?.[1];
}
