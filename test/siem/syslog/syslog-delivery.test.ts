import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSyslogReceiver, type SyslogReceiver } from '../../fakes/syslog/syslog-receiver.ts';
import { createThrowawayCa } from '../../fakes/throwaway-ca.ts';
import { type DeliveryFixture, deliveryFixture } from '../../sinks/delivery-fixture.ts';
import { HOST, openTestSink, paramOf } from './syslog-fixture.ts';

const SOON = { timeout: 20_000, interval: 50 };

let fixture: DeliveryFixture;
let receiver: SyslogReceiver;

beforeEach(async () => {
  const ca = await createThrowawayCa();
  receiver = await openSyslogReceiver(await ca.issue([HOST]));
  fixture = await deliveryFixture();
  const sink = () => openTestSink({ port: receiver.port, ca: ca.certificatePem });
  fixture.definitions = [
    {
      ...{ id: 'siem', name: 'siem', revision: 1, status: 'enabled', filter: {}, redaction: 'none' },
      open: async () => ({ sink: sink(), redactionKey: new Uint8Array(32) }),
    },
  ];
});
afterEach(async () => {
  await fixture.remove();
  await receiver.close();
});

/** Each event once, in the order in which they came first. */
const arrived = () => [...new Set(receiver.messages.map((message) => Number(paramOf(message, 'seq'))))];

it('brings every event to a receiver of syslog that dies, hangs and comes back, in order', async () => {
  fixture.deliver({ pause: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))) });
  let appended = 0;
  for (const trouble of ['none', 'die', 'reset', 'hang', 'die', 'reset']) {
    await fixture.append(200);
    appended += 200;
    if (trouble === 'hang') receiver.hang();
    if (trouble === 'reset') receiver.failWith('reset-unread');
    if (trouble === 'hang' || trouble === 'die') {
      await fixture.append(100);
      appended += 100;
      await receiver.die();
      await receiver.revive();
    }
  }
  await vi.waitFor(() => expect(arrived().length).toBeGreaterThanOrEqual(appended), SOON);
  // what the log says of it (a sink that fails is an event) comes, too
  expect(arrived()).toEqual(Array.from({ length: arrived().length }, (_, index) => index + 1));
  await vi.waitFor(async () => expect((await fixture.state('siem')).settled).toBe(arrived().length), SOON);
  expect(receiver.breaches).toEqual([]);
}, 90_000);
