import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../bridge/lib/clock.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Cache } from '../../bridge/storage/cache.ts';
import { openRedisCache, type RedisCacheOptions } from '../../bridge/storage/redis/open.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { SOON } from '../fakes/soon.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import {
  NO_REDIS,
  startRedis,
  type ThrowawayRedis,
  type ThrowawayRedisOptions,
} from '../fakes/throwaway-redis.ts';
import { startSentinel } from '../fakes/throwaway-sentinel.ts';

const skipped = NO_REDIS === undefined ? '' : ` (skipped: ${NO_REDIS})`;
const UNAVAILABLE = { code: 'unavailable' };
const SECOND = 1_000;
/** For an answer: a machine that stalls is no server that says nothing. */
const PATIENT_MS = 10_000;

describe.skipIf(NO_REDIS !== undefined)(`The cache on a Redis server${skipped}`, () => {
  let server: ThrowawayRedis;
  const others: Pick<ThrowawayRedis, 'stop'>[] = [];
  const opened: Cache[] = [];

  beforeAll(async () => {
    server = await startRedis();
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((cache) => cache.close()));
    await Promise.all(others.splice(0).map((other) => other.stop()));
  });

  afterAll(async () => {
    await server.stop();
  });

  const open = async (options: Partial<RedisCacheOptions> = {}): Promise<Cache> => {
    const prefix = `${randomBytes(6).toString('hex')}:`;
    const cache = await openRedisCache({
      url: server.url,
      clock: systemClock,
      prefix,
      timeoutMs: PATIENT_MS,
      ...options,
    });
    opened.push(cache);
    return cache;
  };

  const startOther = async (options: ThrowawayRedisOptions = {}): Promise<ThrowawayRedis> => {
    const other = await startRedis(options);
    others.push(other);
    return other;
  };

  it('keeps every key under its prefix, with an expiry', async () => {
    const cache = await open({ prefix: 'acme:' });
    await cache.set('a', 'value', 60_000);
    await cache.increment('b', 60_000);
    await cache.consumeOnce('c', 60_000);
    const keys = (await server.command('keys', 'acme:*')) as string[];
    expect(keys.toSorted()).toEqual(
      expect.arrayContaining(['acme:value:a', 'acme:value:b', 'acme:{consumed}', 'acme:{consumed}:c']),
    );
    for (const key of keys.filter((name) => name !== 'acme:{consumed}')) {
      expect(Number(await server.command('pttl', key))).toBeLessThanOrEqual(60_000);
      expect(Number(await server.command('pttl', key))).toBeGreaterThan(0);
    }
  });

  it('answers `unavailable` in time when the server says nothing', async () => {
    const other = await startOther();
    const cache = await open({ url: other.url, timeoutMs: 2_000 });
    // Redis pauses everybody else, and answers nobody before that is over: longer than the test may take.
    await other.command('client', 'pause', '60000', 'ALL');
    await Promise.all([
      expect(cache.get('key')).rejects.toMatchObject(UNAVAILABLE),
      expect(cache.take('key')).rejects.toMatchObject(UNAVAILABLE),
      expect(cache.set('key', 'value', SECOND)).rejects.toMatchObject(UNAVAILABLE),
      expect(cache.delete('key')).rejects.toMatchObject(UNAVAILABLE),
      expect(cache.consumeOnce('key', SECOND)).rejects.toMatchObject(UNAVAILABLE),
      expect(cache.increment('key', SECOND)).rejects.toMatchObject(UNAVAILABLE),
      expect(cache.wake('channel')).rejects.toMatchObject(UNAVAILABLE),
    ]);
  });

  it('fails at once while the server is away, and works when it is back', async () => {
    const other = await startOther();
    const cache = await open({ url: other.url });
    let woken = 0;
    await cache.onWake('channel', () => {
      woken += 1;
    });
    await other.kill();
    await vi.waitFor(() => expect(cache.get('key')).rejects.toMatchObject(UNAVAILABLE), SOON);
    await cache.onWake('later', () => {
      woken += 1;
    });
    await other.start();
    await vi.waitFor(() => cache.set('key', 'value', SECOND), SOON);
    // who listened, or wanted to, may have missed a wake: both are told once
    await vi.waitFor(() => expect(woken).toBeGreaterThanOrEqual(2), SOON);
  });

  describe('after a fail-over', () => {
    const at = (ms: number): Clock => ({ now: () => ms });
    const began = Date.parse('2026-11-22T09:00:00.500Z');
    const proof = (cache: Cache, issuedAt: number) =>
      cache.consumeOnce(`proof-${randomBytes(8).toString('hex')}`, SECOND, issuedAt);

    it('takes only what was issued since another process of the server answers', async () => {
      const other = await startOther();
      let now = began;
      const cache = await open({ url: other.url, clock: { now: () => now } });
      expect(await proof(cache, began + 500)).toBe(true);
      await expect(proof(cache, began - 500)).rejects.toMatchObject(UNAVAILABLE);

      now = began + 60 * SECOND;
      expect(await proof(cache, began + 500)).toBe(true);
      await other.kill();
      await other.start();
      await vi.waitFor(() => cache.get('any'), SOON);
      await expect(proof(cache, began + 500)).rejects.toMatchObject(UNAVAILABLE);
      await expect(proof(cache, now - 500)).rejects.toMatchObject(UNAVAILABLE);
      expect(await proof(cache, now + 500)).toBe(true);
    });

    it('does so although the successor has a copy of what the first one remembered', async () => {
      const [first, second] = [await startOther(), await startOther()];
      await second.command('replicaof', '127.0.0.1', String(first.port));
      await open({ url: first.url, prefix: 'same:', clock: at(began) });
      await vi.waitFor(async () => expect(await second.command('exists', 'same:{consumed}')).toBe(1), SOON);
      await second.command('replicaof', 'no', 'one');
      const later = began + 60 * SECOND;
      const cache = await open({ url: second.url, prefix: 'same:', clock: at(later) });
      await expect(proof(cache, later - 500)).rejects.toMatchObject(UNAVAILABLE);
      expect(await proof(cache, later + 500)).toBe(true);
    });

    it('does so when the server was emptied', async () => {
      const other = await startOther();
      let now = began;
      const cache = await open({ url: other.url, clock: { now: () => now } });
      now += 60 * SECOND;
      await other.command('flushall');
      await expect(proof(cache, now - 500)).rejects.toMatchObject(UNAVAILABLE);
    });

    it('takes again, for as long as a clock was ahead, what names a time after it', async () => {
      const other = await startOther();
      let now = began;
      const cache = await open({ url: other.url, clock: { now: () => now } });
      const ahead = began + 55 * SECOND;
      expect(await cache.consumeOnce('proof', 180 * SECOND, ahead)).toBe(true);
      now += 50 * SECOND;
      await other.kill();
      await other.start();
      await vi.waitFor(() => cache.get('any'), SOON);
      expect(await cache.consumeOnce('proof', 180 * SECOND, ahead)).toBe(true);
      expect(await cache.consumeOnce('proof', 180 * SECOND, ahead)).toBe(false);
    });

    it('remembers across replicas and restarts of the bridge', async () => {
      await open({ prefix: 'same:', clock: at(began) });
      const cache = await open({ prefix: 'same:', clock: at(began + 60 * SECOND) });
      expect(await proof(cache, began + 500)).toBe(true);
    });
  });

  it('signs in as a user of the ACL that may do no more than it needs', async () => {
    await server.command(
      'acl',
      'setuser',
      'bridge',
      'on',
      '>secret',
      '~acme:*',
      '&acme:*',
      '-@all',
      ...[
        '+get',
        '+set',
        '+del',
        '+getdel',
        '+incr',
        '+pexpire',
        '+eval',
        '+publish',
        '+subscribe',
        '+unsubscribe',
      ],
      ...['+info', '+hello', '+auth', '+ping', '+client|setname'],
    );
    const url = server.url.replace(':throwaway@', 'bridge:secret@');
    const cache = await open({ url, prefix: 'acme:' });
    expect(await cache.consumeOnce('key', SECOND)).toBe(true);
    await cache.set('key', 'value', SECOND);
    expect(await cache.take('key')).toBe('value');
    expect(await cache.increment('key', SECOND)).toBe(1);
    await cache.onWake('channel', () => {});
    await cache.wake('channel');
    await expect(open({ url, prefix: 'globex:' })).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('tells the operator of a wrong password', async () => {
    const url = server.url.replace('throwaway', 'wrong');
    await expect(open({ url })).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it.each(['', 'http://localhost', 'redis://', 'redis://host:0', 'redis://host/x', 'redis://h/0?family=6'])(
    'is not opened by the URL %j',
    async (url) => {
      await expect(open({ url })).rejects.toMatchObject({ code: 'config_invalid' });
    },
  );

  it('is unavailable where nothing listens', async () => {
    await expect(open({ url: `redis://127.0.0.1:${await freePort()}` })).rejects.toMatchObject(UNAVAILABLE);
  }, 10_000);

  it.each(['allkeys-lru', 'volatile-ttl'])('refuses a server that evicts by %s', async (policy) => {
    const other = await startOther({ settings: ['maxmemory 64mb', `maxmemory-policy ${policy}`] });
    await expect(open({ url: other.url })).rejects.toMatchObject({
      code: 'config_invalid',
      detail: expect.stringContaining(policy),
    });
  });

  it('is unavailable when the server has no room', async () => {
    const other = await startOther({ settings: ['maxmemory 64mb', 'maxmemory-policy noeviction'] });
    const cache = await open({ url: other.url });
    await other.command('config', 'set', 'maxmemory', '1');
    await expect(cache.consumeOnce('key', SECOND)).rejects.toMatchObject(UNAVAILABLE);
    await expect(cache.set('key', 'value', SECOND)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('speaks TLS with whom it can verify', async () => {
    const ca = await createThrowawayCa();
    const { cert, key } = await ca.issue(['localhost']);
    const tlsPort = await freePort();
    await startOther({
      files: { 'server.crt': cert, 'server.key': key, 'ca.crt': ca.certificatePem },
      settings: [
        `tls-port ${tlsPort}`,
        'tls-cert-file server.crt',
        'tls-key-file server.key',
        'tls-ca-cert-file ca.crt',
        'tls-auth-clients no',
      ],
    });
    const url = `rediss://:throwaway@localhost:${tlsPort}`;
    const cache = await open({ url, caCertificates: ca.certificatePem });
    await cache.set('key', 'value', SECOND);
    expect(await cache.get('key')).toBe('value');
    const stranger = (await createThrowawayCa()).certificatePem;
    await expect(open({ url, caCertificates: stranger })).rejects.toMatchObject(UNAVAILABLE);
  });

  const startCluster = async (): Promise<ThrowawayRedis> => {
    const node = await startOther({ settings: ['cluster-enabled yes', 'cluster-announce-ip 127.0.0.1'] });
    await node.command('cluster', 'addslotsrange', '0', '16383');
    await vi.waitFor(
      async () => expect(String(await node.command('cluster', 'info'))).toContain('cluster_state:ok'),
      SOON,
    );
    return node;
  };

  it('signs in on a Cluster as the user of the ACL that the guide gives, and says what is missing', async () => {
    const node = await startCluster();
    const guide = await readFile('docs/guides/operating.md', 'utf8');
    const [, rules = ''] = /^ACL SETUSER bridge on >password (.*)$/m.exec(guide) ?? [];
    const [, more = ''] = /`topology: cluster` it needs `([^`]+)` too/.exec(guide) ?? [];
    const url = node.url.replace(':throwaway@', 'bridge:password@');
    const settings = { url, prefix: 'countersign:', topology: { kind: 'cluster' } } as const;
    await node.command('acl', 'setuser', 'bridge', 'on', '>password', ...rules.split(' '));
    await expect(open(settings)).rejects.toMatchObject({ code: 'config_invalid' });

    await node.command('acl', 'setuser', 'bridge', ...more.split(' '));
    const cache = await open(settings);
    expect(await cache.consumeOnce('key', SECOND)).toBe(true);
    await new Promise<void>((resolve) => {
      void cache.onWake('channel', resolve).then(() => cache.wake('channel'));
    });
  });

  it('works on a Cluster', async () => {
    const node = await startCluster();
    const cache = await open({ url: node.url, topology: { kind: 'cluster' } });
    expect(await cache.consumeOnce('key', SECOND)).toBe(true);
    expect(await cache.consumeOnce('key', SECOND)).toBe(false);
    await cache.set('key', 'value', SECOND);
    expect(await cache.take('key')).toBe('value');
    expect(await cache.increment('key', SECOND)).toBe(1);
    await new Promise<void>((resolve) => {
      void cache.onWake('channel', resolve).then(() => cache.wake('channel'));
    });
  });

  it('follows the Sentinels to a new primary, and takes no proof from before', async () => {
    const servers = await startSentinel();
    others.push(servers);
    let now = Date.parse('2026-11-22T09:00:00Z');
    const topology = { kind: 'sentinel', name: servers.name } as const;
    const cache = await open({ url: servers.url, topology, clock: { now: () => now } });
    const issued = now;
    expect(await cache.consumeOnce('before', SECOND, issued)).toBe(true);
    now += 60 * SECOND;
    await servers.failOver();
    await vi.waitFor(() => cache.set('key', 'value', SECOND), { timeout: 30_000, interval: 100 });
    await expect(cache.consumeOnce('before', SECOND, issued)).rejects.toMatchObject(UNAVAILABLE);
    expect(await cache.consumeOnce('after', SECOND, now)).toBe(true);
  }, 60_000);
});
