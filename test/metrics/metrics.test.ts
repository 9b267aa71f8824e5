import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { METRICS } from '../../bridge/metrics/catalog.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { SOON } from '../fakes/soon.ts';
import { announcedIn, samplesOf } from './metrics-reading.ts';

describe('the metrics of a bridge', () => {
  let bridge: BridgeFixture;
  beforeAll(async () => {
    bridge = await bridgeFixture({ settings: { metrics: { port: 0 }, events: { stdout: false } } });
  });
  afterAll(() => bridge.remove());

  const at = (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${bridge.running.metricsPort}${path}`, init);
  const read = async () => samplesOf(await (await at('/metrics')).text());

  it('are served in the text format, all of the catalogue and those of the process', async () => {
    const response = await at('/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const announced = announcedIn(await response.text());
    for (const [name, { type, doc }] of Object.entries(METRICS)) {
      expect([name, announced.get(name)]).toEqual([name, { type, doc }]);
    }
    expect(announced.has('process_cpu_seconds_total')).toBe(true);
  });

  it('are not on the public listener, and their listener has nothing else', async () => {
    expect((await bridge.ask('GET', '/metrics')).status).toBe(404);
    expect((await at('/health/live')).status).toBe(404);
    expect((await at('/metrics', { method: 'POST' })).status).toBe(405);
  });

  it('count requests by the pattern of the route, whatever path was sent', async () => {
    const token = await bridge.administrator();
    await bridge.ask('GET', '/admin/v1/persons/made-up-one', undefined, token);
    await bridge.ask('GET', '/made-up-two');
    await bridge.ask('POST', '/oauth/made-up-three');
    await bridge.ask('GET', '/oauth/jwks');
    const samples = await read();
    const count = (method: string, route: string, status: number) =>
      samples.get(
        `countersign_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`,
      );
    expect(count('GET', '/admin/v1/persons/:sub', 404)).toBe(1);
    expect(count('GET', 'unknown', 404)).toBeGreaterThanOrEqual(1);
    expect(count('POST', 'unknown', 404)).toBe(1);
    expect(count('GET', '/oauth/jwks', 200)).toBe(1);
    expect([...samples.keys()].filter((key) => key.includes('made-up'))).toEqual([]);
  });

  it('count events once they have their place, and say how many wait', async () => {
    await bridge.administrator('Grace');
    await bridge.running.services.events.settled();
    const samples = await read();
    expect(samples.get('countersign_events_total{type="admin.bootstrapped"}')).toBeGreaterThanOrEqual(1);
    expect(samples.get('countersign_events_staged')).toBe(0);
    // The link and the token are in the log too, by an epoch of their own.
    await vi.waitFor(async () => expect((await read()).get('countersign_key_log_staged')).toBe(0), SOON);
  });

  it('count sign-ins, enrolments, look-ups and what partners did by their events', async () => {
    const { events } = bridge.running.services;
    const none = { acr: null, amr: [], auth_time: null };
    const person = { kind: 'person', sub: 'sub-1' } as const;
    const partner = { partner: 'https://bridge.globex.example' };
    const counts = { credential: 2, revoked: 0, revoked_pending: 0, not_found: 1, refused: 0 };
    const asked = { asked: 3, addresses: [], ...counts };
    await events.record({
      ...{ type: 'sign_in.succeeded', actor: person, outcome: 'success' },
      data: { protocol: 'saml', ...none },
    });
    await events.record({
      ...{ type: 'sign_in.refused', actor: { kind: 'anonymous' }, outcome: 'failure', code: 'no_address' },
      data: { protocol: 'oidc' },
    });
    await events.record({
      ...{ type: 'enrolment.confirmed', actor: person, outcome: 'success' },
      data: { enrolment_id: 'e-1', version: 0, key_version: 0 },
    });
    await events.record({ type: 'look_up.answered', actor: person, outcome: 'success', data: asked });
    const system = { kind: 'system' } as const;
    await events.record({
      ...{ type: 'look_up.foreign', actor: system, subject: partner, outcome: 'success' },
      data: asked,
    });
    await events.record({
      ...{ type: 'partner.fault', actor: system, subject: partner, outcome: 'failure' },
      ...{ code: 'partner_slow', data: { operation: 'look-up' } },
    });
    await events.settled();
    const samples = await read();
    const expected = {
      'countersign_sign_ins_total{protocol="saml",outcome="success",code="none"}': 1,
      'countersign_sign_ins_total{protocol="oidc",outcome="failure",code="no_address"}': 1,
      'countersign_enrolments_total{step="confirmed"}': 1,
      'countersign_lookup_results_total{asker="person",result="credential"}': 2,
      'countersign_lookup_results_total{asker="person",result="not_found"}': 1,
      'countersign_partner_requests_total{partner="https://bridge.globex.example",outcome="answered"}': 1,
      'countersign_partner_requests_total{partner="https://bridge.globex.example",outcome="partner_slow"}': 1,
    };
    for (const [key, value] of Object.entries(expected))
      expect([key, samples.get(key)]).toEqual([key, value]);
  });

  it('say how long the online keys last, how many domains there are, and whether the bridge is ready', async () => {
    const token = await bridge.administrator();
    await bridge.ask('POST', '/admin/v1/domains', { domain: 'acme.example' }, token);
    const samples = await read();
    expect(samples.get('countersign_domains{status="pending"}')).toBe(1);
    expect([samples.get('countersign_ready'), samples.get('countersign_degraded')]).toEqual([1, 0]);
    expect(samples.get('countersign_online_keys_remaining_seconds')).toBeGreaterThan(86_400);
    bridge.clock.advance(100 * 86_400_000);
    const later = await read();
    expect(later.get('countersign_ready')).toBe(0);
    expect(later.get('countersign_online_keys_remaining_seconds')).toBeLessThan(0);
    bridge.clock.advance(-100 * 86_400_000);
  });
});

describe('a bridge without metrics in its configuration', () => {
  it('listens for none', async () => {
    const bridge = await bridgeFixture();
    expect(bridge.running.metricsPort).toBeUndefined();
    await bridge.remove();
  });
});
