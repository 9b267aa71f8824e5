import { afterEach, beforeEach, expect, it } from 'vitest';
import { SEALED_COLUMNS } from '../../bridge/cli/sealed-columns.ts';
import { createEncryptionKeyWatch } from '../../bridge/lifecycle/encryption-key-watch.ts';
import { reencrypt } from '../../bridge/lifecycle/reencryption.ts';
import { KeyRing } from '../../bridge/signer/key-ring.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';

const DAY_S = 86_400;

let parts: BridgeParts;

beforeEach(async () => {
  parts = await bridgeParts();
});
afterEach(() => parts.remove());

function watch(days = 365, database: Database = parts.database) {
  return createEncryptionKeyWatch({ ...parts, database, lifeSeconds: days * DAY_S });
}

async function told(): Promise<unknown[]> {
  const events = await parts.eventsSoFar();
  return events.filter(({ type }) => type === 'keys.encryption_key_old').map(({ data }) => data);
}

it('a key-encryption key that is older than is configured is told once, by one of the replicas, and warned of', async () => {
  const since = Math.floor(parts.clock.now() / 1000);
  const other = watch(365, await parts.openAnother());
  expect(await watch().purge()).toBe(0);
  parts.clock.advance(365 * DAY_S - 1);
  expect([await watch().purge(), await watch().warnings()]).toEqual([0, []]);
  parts.clock.advance(1);
  const [first, second] = [await watch().purge(), await other.purge()];
  expect([first, second, await watch().purge()]).toEqual([1, 0, 0]);
  expect(await told()).toEqual([{ key: expect.any(String), since }]);
  expect(await other.warnings()).toEqual([expect.stringContaining('rotate-encryption-key')]);
});

it('a key-encryption key may be however old where nothing is configured', async () => {
  await watch(0).purge();
  parts.clock.advance(10 * 365 * DAY_S);
  expect([await watch(0).purge(), await watch(0).warnings(), await told()]).toEqual([0, [], []]);
});

it('a key-encryption key that takes its place is young', async () => {
  await watch().purge();
  parts.clock.advance(366 * DAY_S);
  await watch().purge();
  const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
  const ring = new KeyRing({ keyEncryptionKey, previousKeyEncryptionKey: parts.keyEncryptionKey });
  await reencrypt({ ...parts, ring, columns: SEALED_COLUMNS, settle: async () => undefined });
  expect([await watch().purge(), await watch().warnings()]).toEqual([0, []]);
  expect(await told()).toHaveLength(1);
});
