import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEventLog, type SequencedEventLog } from '../../bridge/events/database-event-log.ts';
import { createKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Cache } from '../../bridge/storage/cache.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openPostgres } from '../../bridge/storage/postgres/open.ts';
import { openRedisCache } from '../../bridge/storage/redis/open.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { closed, quiet } from '../events/events-fixture.ts';
import { verifyChain } from '../events/verified-chain.ts';
import { SOON } from '../fakes/soon.ts';
import { NO_POSTGRES, startPostgres, type ThrowawayPostgres } from '../fakes/throwaway-postgres.ts';
import { NO_REDIS, startRedis, type ThrowawayRedis } from '../fakes/throwaway-redis.ts';
import { ISS } from '../signer/signer-fixture.ts';

const missing = NO_POSTGRES ?? NO_REDIS;

/** A process of the bridge as far as its logs go. */
interface Replica {
  readonly database: Database;
  readonly cache: Cache;
  readonly events: SequencedEventLog;
  readonly keyLog: ReturnType<typeof createKeyLog>;
}

describe.skipIf(missing !== undefined)(`Two replicas${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let postgres: ThrowawayPostgres;
  let redis: ThrowawayRedis;
  let schema: string;
  let keyEncryptionKey: Uint8Array;
  const running: Replica[] = [];

  beforeAll(async () => {
    [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  });

  afterEach(async () => {
    await Promise.all(
      running.splice(0).map(async ({ database, cache, events, keyLog }) => {
        await Promise.all([events.stop(), keyLog.stop()]);
        await Promise.all([database.close(), cache.close()]);
      }),
    );
  });

  afterAll(async () => {
    await Promise.all([postgres.stop(), redis.stop()]);
  });

  const start = async (): Promise<Replica> => {
    const database = await openPostgres({ url: postgres.url(schema), clock: systemClock });
    await database.migrate();
    const signer = await openLocalSigner({ database, keyEncryptionKey, iss: ISS, clock: systemClock });
    const cache = await openRedisCache({
      url: redis.url,
      clock: systemClock,
      prefix: `${schema}:`,
      timeoutMs: 10_000,
    });
    const common = { database, cache, logger: quiet };
    const events = createEventLog({ ...common, clock: systemClock, iss: ISS });
    const keyLog = createKeyLog({ ...common, clock: systemClock, signer });
    events.start();
    keyLog.start();
    const replica = { database, cache, events, keyLog };
    running.push(replica);
    return replica;
  };

  const initializeSchema = async (): Promise<void> => {
    keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
    const database = await openPostgres({ url: postgres.url(schema), clock: systemClock });
    await database.migrate();
    const keys = { iss: ISS, root: await openRootKey(await createRootKey()), keyEncryptionKey };
    await database.transaction((tx) => initializeKeys(tx, { ...keys, clock: systemClock }));
    await database.close();
  };

  const startTwo = async (): Promise<[Replica, Replica]> => {
    schema = `s${randomBytes(6).toString('hex')}`;
    await initializeSchema();
    return [await start(), await start()];
  };

  /** One change as the bridge makes it: an event and an entry of the key log. */
  const change = (replica: Replica, name: string) =>
    replica.database.transaction(async (tx) => {
      await replica.events.append(tx, closed(name));
      await replica.keyLog.stage(tx, {
        kind: 'address',
        name: `${name}@acme.example`,
        version: 0,
        value: utf8(name),
      });
    });

  const subjects = async ({ database }: Replica): Promise<string[]> => {
    const rows = await database.read((query) => query.selectFrom('events').select('body').execute());
    return rows.map(({ body }) => (JSON.parse(body) as { subject: { sub: string } }).subject.sub);
  };

  /** Where the versions are in the key log, and how many entries it has that are none: the first, and its epochs'. */
  const places = ({ database }: Replica) =>
    database.read(async (query) => {
      const rows = await query.selectFrom('logged_versions').select('position').execute();
      const epochs = await query.selectFrom('log_epochs').select('size').orderBy('epoch').execute();
      return {
        positions: rows.map(({ position }) => position),
        others: [0, ...epochs.map(({ size }) => size - 1)],
      };
    });

  const assertGapless = async (replica: Replica, count: number): Promise<void> => {
    await replica.events.settled();
    expect((await verifyChain(replica.database, ISS)).size).toBe(count);
    await vi.waitFor(
      async () => {
        const { positions, others } = await places(replica);
        expect(positions).toHaveLength(count);
        const entries = [...positions, ...others].toSorted((a, b) => (a ?? -1) - (b ?? -1));
        expect(entries).toEqual(entries.map((_, index) => index));
      },
      { timeout: 20_000 },
    );
  };

  const names = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `p${from + index}`);

  it('give both logs’ entries their places without a gap, whoever wrote them', async () => {
    const replicas = await startTwo();
    await Promise.all(names(0, 60).map((name, index) => change(replicas[index % 2 ? 1 : 0], name)));
    await assertGapless(replicas[0], 60);
    await assertGapless(replicas[1], 60);
  });

  it('hear of each other at once through Redis', async () => {
    const [here, there] = await startTwo();
    await Promise.all([here, there].map(({ events }) => events.settled()));
    await there.events.stop();
    let told = 0;
    await there.cache.onWake('published-events', () => {
      told += 1;
    });
    await change(here, 'p0');
    await vi.waitFor(() => expect(told).toBeGreaterThan(0), SOON);
  });

  it('lose nothing when Redis is killed, and go on when it is back', async () => {
    const replicas = await startTwo();
    await Promise.all(names(0, 20).map((name, index) => change(replicas[index % 2 ? 1 : 0], name)));
    await redis.kill();
    await Promise.all(names(20, 40).map((name, index) => change(replicas[index % 2 ? 1 : 0], name)));
    await replicas[1].keyLog.published('address', 'p20@acme.example', 0);
    await assertGapless(replicas[0], 40);
    await redis.start();
    await Promise.all(names(40, 50).map((name, index) => change(replicas[index % 2 ? 1 : 0], name)));
    await assertGapless(replicas[1], 50);
    await vi.waitFor(() => replicas[0].cache.wake('published-events'), SOON);
  });

  it.each(['SIGINT', 'SIGQUIT'] as const)(
    'lose no acknowledged row when PostgreSQL is ended by %s and starts again amid writes',
    async (how) => {
      const replicas = await startTwo();
      const acknowledged: string[] = [];
      let writing = true;
      const write = async (replica: Replica, lane: string) => {
        for (let index = 0; writing; index += 1) {
          const name = `${lane}-${index}`;
          try {
            await change(replica, name);
            acknowledged.push(name);
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(/^(unavailable|storage_busy)$/) });
          }
        }
      };
      const lanes = Promise.all(
        replicas.flatMap((replica, r) => [0, 1].map((lane) => write(replica, `${r}${lane}`))),
      );
      await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(20), SOON);
      await postgres.restart(how);
      const before = acknowledged.length;
      await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(before + 20), { timeout: 20_000 });
      writing = false;
      await lanes;

      const stored = await subjects(replicas[0]);
      expect(new Set(stored).size).toBe(stored.length);
      expect(acknowledged.filter((name) => !stored.includes(name))).toEqual([]);
      await assertGapless(replicas[1], stored.length);
    },
    60_000,
  );
});
