import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyLog, type DatabaseKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { MIGRATIONS } from '../../bridge/storage/migrations/index.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { readHead } from '../../bridge/tlog/log-heads.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { verifyLogStaple } from '../../protocol/keytrans/log-proof.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { ISS, movableClock } from '../signer/signer-fixture.ts';

const clock = movableClock();
const logger = createLogger({ level: 'silent' });
const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
/** More than one epoch takes. */
const NAMES = Array.from({ length: 140 }, (_, index) => `a${index}@acme.example`);
const PARTNER = 'https://bridge.globex.example';
const value = (name: string) => utf8(`value of ${name}`);

let folder: string;
let database: Database;
let signer: Signer;
let log: DatabaseKeyLog;

/** The store of a bridge that only gave versions an order. */
async function storeOfBefore(path: string): Promise<void> {
  const before = MIGRATIONS.filter(({ id }) => id < '014');
  const old = await openSqlite({ path, clock, migrations: before });
  await old.migrate();
  await old.transaction(async (tx) => {
    for (const [index, name] of NAMES.entries()) {
      await sql`
        insert into logged_versions (staged_id, kind, name, version, value, value_hash, position)
        values (${`id-${index}`}, 'address', ${name}, 0, ${value(name)}, ${sha256Base64url(value(name))}, ${index})
      `.execute(tx);
    }
    for (const version of [1, 2]) {
      await sql`
        insert into logged_versions (staged_id, kind, name, version, value, value_hash, position)
        values (${`record-${version}`}, 'trust-change', ${PARTNER}, ${version}, ${value(PARTNER)}, ${'hash'},
          ${NAMES.length + version - 1})
      `.execute(tx);
    }
    await tx
      .insertInto('log_heads')
      .values({ log: 'keys', size: NAMES.length + 2, hash: '' })
      .execute();
  });
  await old.close();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  const path = join(folder, 'bridge.db');
  await storeOfBefore(path);
  database = await openSqlite({ path, clock });
  await database.migrate();
  // Written as today's bridge does it, which the table of before does not take; the log knows nothing of them.
  const keys = { iss: ISS, root: await openRootKey(await createRootKey()), keyEncryptionKey, clock };
  await database.transaction((tx) => initializeKeys(tx, keys));
  signer = await openLocalSigner({ database, keyEncryptionKey, iss: ISS, clock });
  log = createKeyLog({ database, logger, clock, signer });
});

afterEach(async () => {
  await log.stop();
  await database.close();
  await rm(folder, { recursive: true });
});

const isPublished = (name: string) => database.read((query) => log.isPublished(query, 'address', name, 0));
const staple = (name: string) => database.read((query) => log.staple(query, 'address', name, 0));

describe('a bridge that was upgraded to the log', () => {
  it('hands out what it handed out before, without a proof until there is one', async () => {
    expect(await isPublished('a0@acme.example')).toBe(true);
    expect(await staple('a0@acme.example')).toBeNull();
  });

  it('counts the versions of a partner’s record from 0, where ladders begin', async () => {
    await log.stop();
    const of = (version: number) =>
      database.read((query) => log.staple(query, 'trust-change', PARTNER, version));
    expect([await of(0), await of(1), await of(2)]).toEqual([null, expect.any(String), null]);
  });

  it('puts all that was logged before into its first epochs', async () => {
    await log.stop();
    const epochs = await database.read((query) => query.selectFrom('log_epochs').selectAll().execute());
    expect(epochs.map(({ leaves }) => leaves)).toEqual([64, 103, 135, 142]);
    const head = await database.read((query) => readHead(query, 'keys'));
    expect(head?.size).toBe(1 + 142 + epochs.length);
    for (const name of ['a0@acme.example', 'a139@acme.example']) {
      expect(await isPublished(name)).toBe(true);
      const verified = await verifyLogStaple({
        ...{ staple: (await staple(name)) ?? '', kind: 'address', name, version: 0, value: value(name) },
        ...{ origin: logOrigin(ISS), logKeys: signer.onlineKeys().all('log'), trust: undefined },
        now: Math.floor(clock.now() / 1000),
      });
      expect(verified).toMatchObject({ level: 'logged', epoch: epochs.length });
    }
  });

  it('forgets what waits for its entry', async () => {
    await database.transaction((tx) => log.forget(tx, 'address', 'a0@acme.example'));
    await log.stop();
    expect(await staple('a0@acme.example')).toBeNull();
    expect(await staple('a1@acme.example')).not.toBeNull();
  });
});
