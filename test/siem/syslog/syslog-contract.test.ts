import type { FormatName } from '../../../connectors/siem/formats/formatter.ts';
import { describeSink, type SinkFixture } from '../../contract/sink-contract.ts';
import { openSyslogReceiver, type SyslogFault } from '../../fakes/syslog/syslog-receiver.ts';
import { createThrowawayCa } from '../../fakes/throwaway-ca.ts';
import { HOST, openTestSink, paramOf, syslogDeps } from './syslog-fixture.ts';

const FAULTS: readonly SyslogFault[] = ['reset', 'reset-unread', 'none'];

async function syslogFixture(
  transport: 'tls' | 'tcp',
  format: FormatName,
  given: Record<string, unknown>,
): Promise<SinkFixture> {
  const ca = await createThrowawayCa();
  const tls = { ...(await ca.issue([HOST])), ca: ca.certificatePem, requestCert: true };
  const { key, cert: certificate } = await ca.issue(['bridge.acme.example']);
  const receiver = await openSyslogReceiver(transport === 'tls' ? tls : undefined);
  let log = '';
  const deps = syslogDeps({
    format,
    write: (line) => {
      log += line;
    },
  });
  const own = transport === 'tls' ? { ca: ca.certificatePem, certificate, key } : {};
  const settings = { transport, port: receiver.port, ...own, ...given };
  return {
    open: () => openTestSink(settings, deps, { lingerMs: 500 }),
    held: () => receiver.messages.map((message) => paramOf(message, 'event_id') ?? 'nobody'),
    breaches: () => receiver.breaches,
    secrets: [key.split('\n')[1] ?? key],
    log: () => log,
    faults: {
      unavailable: async () => {
        await receiver.die();
        return () => receiver.revive();
      },
      ...(transport === 'tls'
        ? {
            misconfigured: async () => {
              const other = await (await createThrowawayCa()).issue([HOST]);
              receiver.present({ ...tls, ...other });
              return () => receiver.present(tls);
            },
          }
        : {}),
      disturb: (random) => {
        const pick = () => FAULTS[Math.floor(random() * FAULTS.length)] ?? 'none';
        receiver.failWith(...Array.from({ length: 10 }, pick));
      },
    },
    close: () => receiver.close(),
  };
}

describeSink('syslog over TLS', () => syslogFixture('tls', 'plain', {}));
describeSink('syslog over TCP, all in structured data', () =>
  syslogFixture('tcp', 'plain', { structured_data: 'full' }),
);
describeSink('syslog over TLS, lingering', () => syslogFixture('tls', 'cef', { confirmation: 'linger' }));
