import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enqueue } from '../../bridge/signals/queue-store.ts';
import { insertStream } from '../../bridge/signals/stream-store.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { samplesOf } from './metrics-reading.ts';

const ADDRESS = 'ada@acme.example';

let bridge: BridgeFixture;
let receiver = '';
beforeAll(async () => {
  bridge = await bridgeFixture({ settings: { metrics: { port: 0 }, events: { stdout: false } } });
  const token = await bridge.administrator();
  const wanted = { name: 'SaaS', audience: 'saas', token_valid_days: 30 };
  const { body } = await bridge.ask('POST', '/admin/v1/signals/receivers', wanted, token);
  receiver = String(body.id);
  await bridge.inStore((database) => database.transaction(putSignals));
});
afterAll(() => bridge.remove());

const now = () => Math.floor(bridge.clock.now() / 1_000);
const claims = { txn: 't', sub_id: { format: 'email', email: ADDRESS }, events: {} } as const;

/** Two that were to be fetched for ten seconds; paused, so that nothing of it is sent meanwhile. */
async function putSignals(tx: Parameters<typeof enqueue>[0]): Promise<void> {
  const polled = { method: 'poll', endpoint_url: null, authorization: null } as const;
  const settings = { ...polled, events_requested: [], description: null };
  await insertStream(tx, { id: 'str_1', receiver, created: 0 }, settings, 'paused');
  await enqueue(tx, 'str_1', [claims, claims], now() - 10);
}

async function read() {
  const response = await fetch(`http://127.0.0.1:${bridge.running.metricsPort}/metrics`);
  return samplesOf(await response.text());
}

describe('metrics of signals', () => {
  it('say how many were made, taken and given up for each kind of receiver, and how old the oldest is', async () => {
    const samples = await read();
    const expected = {
      'countersign_signals_queued_total{kind="poll"}': 2,
      'countersign_signals_queued_total{kind="push"}': 0,
      'countersign_signals_queued_total{kind="partner"}': 0,
      'countersign_signals_delivered_total{kind="poll"}': 0,
      'countersign_signals_given_up_total{kind="poll"}': 0,
      'countersign_signals_waiting{kind="poll"}': 2,
      'countersign_signals_waiting{kind="push"}': 0,
      'countersign_signal_lag_seconds{kind="push"}': 0,
      'countersign_signal_queues_failing{kind="poll"}': 0,
    };
    for (const [key, value] of Object.entries(expected))
      expect([key, samples.get(key)]).toEqual([key, value]);
    expect(samples.get('countersign_signal_lag_seconds{kind="poll"}')).toBeGreaterThanOrEqual(10);
  });

  it('say how long the token of each receiver is valid', async () => {
    const name = `countersign_signal_receiver_token_remaining_seconds{receiver="${receiver}"}`;
    const left = (await read()).get(name) ?? 0;
    expect(left).toBeGreaterThan(29 * 86_400);
    expect(left).toBeLessThanOrEqual(30 * 86_400);
  });

  it('count what came by who sent it, and of what was refused, why', async () => {
    const { events } = bridge.running.services;
    const system = { kind: 'system' } as const;
    const data = { issuer: 'https://idp.example', jti: 'j', event: 'e', effect: 'report' } as const;
    await events.record({
      ...{
        type: 'signal.received',
        actor: system,
        subject: { connection: 'work' },
        outcome: 'success',
        data,
      },
    });
    await events.record({
      ...{ type: 'signal.refused', actor: system, subject: { connection: 'work' }, outcome: 'failure' },
      ...{ code: 'set_key', data: {} },
    });
    const partner = { kind: 'partner', iss: 'https://bridge.globex.example' } as const;
    await events.record({
      ...{ type: 'signal.received', actor: partner, outcome: 'success' },
      ...{ subject: { partner: partner.iss, address: ADDRESS }, data: { ...data, effect: 'forgotten' } },
    });
    await events.settled();
    const samples = await read();
    const came = 'countersign_signals_received_total';
    expect([...samples].filter(([key]) => key.startsWith(came))).toEqual([
      [`${came}{sender="connection",outcome="success",code="none"}`, 1],
      [`${came}{sender="connection",outcome="failure",code="set_key"}`, 1],
      [`${came}{sender="partner",outcome="success",code="none"}`, 1],
    ]);
  });

  it('name nobody', async () => {
    const names = [...(await read()).keys()].filter((key) => key.startsWith('countersign_signal'));
    expect(names.length).toBeGreaterThan(20);
    expect(
      names.filter((key) => key.includes('@') || key.includes('globex') || key.includes('SaaS')),
    ).toEqual([]);
  });
});
