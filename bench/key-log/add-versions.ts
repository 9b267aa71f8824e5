import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { countStagedVersions } from '../../bridge/keylog/version-store.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { DOMAIN } from '../company/domain.ts';

const GIVE_UP_MS = 60_000;

/**
 * First versions of new addresses, staged one by one beside the bridge that runs on the same store: it puts them into
 * the log. Resolves when it has.
 */
export async function addVersions(databasePath: string, count: number): Promise<void> {
  const database = await openSqlite({ path: databasePath, clock: systemClock });
  const log = createStagingLog();
  try {
    for (let added = 0; added < count; added += 1) {
      const name = `staged-${newId()}@${DOMAIN}`;
      const value = new Uint8Array(randomBytes(800));
      await database.transaction((tx) => log.stage(tx, { kind: 'address', name, version: 0, value }));
    }
    for (const until = performance.now() + GIVE_UP_MS; performance.now() < until; await wait(20)) {
      if ((await database.read(countStagedVersions)) === 0) return;
    }
    throw new Error('the bridge does not take staged versions');
  } finally {
    await database.close();
  }
}
