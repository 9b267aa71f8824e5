import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { countStagedVersions } from '../../bridge/keylog/version-store.ts';
import { SOON } from '../fakes/soon.ts';
import { NO_REDIS, startRedis, type ThrowawayRedis } from '../fakes/throwaway-redis.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

describe('a bridge that has started', () => {
  let bridge: BridgeFixture;
  beforeAll(async () => {
    bridge = await bridgeFixture();
    // what a start logs must not be found waiting when the clock is moved
    const staged = () => bridge.inStore((database) => database.read(countStagedVersions));
    await vi.waitFor(async () => expect(await staged()).toBe(0), SOON);
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
    expect(ready.body.status).toBe('not_ready');
    expect(ready.body.reasons).toContainEqual(expect.stringContaining('countersign keys rotate'));
    bridge.clock.advance(-100 * 86_400_000);
  });
});

describe.skipIf(NO_REDIS !== undefined)(
  `a bridge whose Redis was killed${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ''}`,
  () => {
    let redis: ThrowawayRedis;
    let bridge: BridgeFixture;
    beforeAll(async () => {
      redis = await startRedis();
      const cache = { driver: 'redis', url: { env: 'CACHE_URL' }, timeout_ms: 5_000 };
      bridge = await bridgeFixture({ settings: { cache }, env: { CACHE_URL: redis.url } });
      expect((await bridge.ask('GET', '/health/ready')).body.status).toBe('ready');
      await redis.kill();
      await vi.waitFor(async () => expect((await bridge.ask('GET', '/v1/me')).status).toBe(503), SOON);
    });
    afterAll(async () => {
      await bridge?.remove();
      await redis?.stop();
    });

    it('is alive and stays in service, and says that the cache does not answer', async () => {
      expect(await bridge.ask('GET', '/health/live')).toMatchObject({ status: 200 });
      const ready = () => bridge.ask('GET', '/health/ready');
      await vi.waitFor(
        async () =>
          expect(await ready()).toMatchObject({
            status: 200,
            body: { status: 'degraded', reasons: [expect.stringContaining('The cache does not answer')] },
          }),
        SOON,
      );
    });

    it('records no event for what it refuses meanwhile: anybody could fill the log', async () => {
      const before = (await bridge.events()).length;
      for (const path of ['/v1/me', '/nowhere', '/oauth/authorize']) {
        expect(await bridge.ask('GET', path)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      }
      expect((await bridge.events()).length).toBe(before);
    });

    it('is ready again with the Redis that comes back', async () => {
      await redis.start();
      const ready = async () => (await bridge.ask('GET', '/health/ready')).body;
      await vi.waitFor(
        async () => expect(await ready()).toMatchObject({ status: 'ready', reasons: [] }),
        SOON,
      );
    });
  },
);
