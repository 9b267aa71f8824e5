import { describeWithPeer } from './describe-with-peer.ts';
import { startRsyslog, TLS_DRIVERS } from './rsyslog.ts';
import { syslogContract } from './syslog-contract.ts';

/** As mmpstrucdata writes it: JSON within JSON. */
function elementOf(received: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const elements = JSON.parse(String(received['rfc5424-sd'])) as Record<string, Record<string, unknown>>;
  return elements['countersign@32473'] ?? {};
}

for (const driver of TLS_DRIVERS) {
  await describeWithPeer('rsyslog', `rsyslog with ${driver}, as a receiver of events`, () => {
    syslogContract({
      start: (tls, client) => startRsyslog(driver, tls, client),
      read(received) {
        const { event_id: eventId, actor_address: actorAddress } = elementOf(received);
        return {
          ...{ eventId, msgId: received.msgid, actorAddress },
          message: String(received.msg).replace(/^\ufeff/, ''),
        };
      },
    });
  });
}
