import { describe } from 'vitest';
import { syslogContract } from './syslog-contract.ts';
import { startSyslogNg } from './syslog-ng.ts';
import { syslogNgMissing } from './syslog-ng-package.ts';

const TITLE = 'syslog-ng, as a receiver of events';

const reason = await syslogNgMissing();
if (reason !== null) console.warn(`Skipped: ${TITLE}. ${reason}`);

/** `.SDATA.countersign@32473.event_id` becomes objects within `_SDATA`. */
function elementOf(received: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const elements = received._SDATA as Record<string, Record<string, unknown>> | undefined;
  return elements?.['countersign@32473'] ?? {};
}

describe.skipIf(reason !== null)(TITLE, () => {
  syslogContract({
    start: startSyslogNg,
    read(received) {
      const { event_id: eventId, actor_address: actorAddress } = elementOf(received);
      const message = String(received.MESSAGE).replace(/^\ufeff/, '');
      return { eventId, msgId: received.MSGID, actorAddress, message };
    },
  });
});
