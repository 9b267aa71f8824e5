import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { countStagedVersions } from '../../bridge/keylog/version-store.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

describe('a bridge that has started', () => {
  let bridge: BridgeFixture;
  beforeAll(async () => {
    bridge = await bridgeFixture();
    // what a start logs must not be found waiting when the clock is moved
    const staged = () => bridge.inStore((database) => database.read(countStagedVersions));
    await vi.waitFor(async () => expect(await staged()).toBe(0), 10_000);
  });
  afterAll(() => bridge.remove());

  it('is alive and ready, and says which engine and which policy it runs', async () => {
    expect(await bridge.ask('GET', '/health/live')).toMatchObject({ status: 200, body: { status: 'live' } });
    const ready = await bridge.ask('GET', '/health/ready');
    expect(ready.status).toBe(200);
    expect(ready.body).toMatchObject({
      status: 'ready',
      reasons: [],
      engine: { name: expect.stringMatching(/^(native|wasm)$/), version: expect.any(String) },
      policy_hash: expect.stringMatching(/^[\w-]{43}$/),
      online_keys: { serial: 1 },
    });
  });

  it('publishes its entity configuration', async () => {
    const response = await bridge.fetch(`${bridge.issuer}/.well-known/openid-federation`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/entity-statement+jwt');
  });

  it('describes its API', async () => {
    const { body } = await bridge.ask('GET', '/v1/openapi.json');
    expect(body).toMatchObject({ openapi: '3.1.0', servers: [{ url: bridge.issuer }] });
  });

  it('warns, and is ready, in the fortnight before its online keys expire', async () => {
    const fresh = await bridge.ask('GET', '/health/ready');
    expect(fresh.body.warnings).toEqual([]);
    bridge.clock.advance(77 * 86_400_000);
    const ready = await bridge.ask('GET', '/health/ready');
    expect(ready).toMatchObject({ status: 200, body: { status: 'ready', reasons: [] } });
    expect(ready.body.warnings).toEqual([expect.stringContaining('countersign keys rotate')]);
    bridge.clock.advance(-77 * 86_400_000);
  });

  it('is not ready once its online keys have expired', async () => {
    bridge.clock.advance(100 * 86_400_000);
    const ready = await bridge.ask('GET', '/health/ready');
    expect(ready.status).toBe(503);
    expect(ready.body.reasons).toContainEqual(expect.stringContaining('countersign keys rotate'));
    bridge.clock.advance(-100 * 86_400_000);
  });
});
