import type { Clock } from '../../bridge/lib/clock.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openReachable } from './open-reachable.ts';
import { ownFile, ownSchema } from './store-place.ts';

/** A real store of its own, with the schema in place. */
export interface TemporaryStore {
  readonly database: Database;
  /** What `openReachable` opens the same store by, in another process. */
  readonly reach: string;
  /** Another handle on the same store, as another process has it. */
  openAnother(): Promise<Database>;
  remove(): Promise<void>;
}

/** Embedded, or on PostgreSQL in the runs of the tests that say so (vitest.config.ts). */
export async function temporaryStore(clock: Clock): Promise<TemporaryStore> {
  const place = process.env.COUNTERSIGN_TEST_STORE === 'postgres' ? await ownSchema() : await ownFile();
  const database = await openReachable(place.reach, clock);
  const others: Database[] = [];
  await database.migrate();
  return {
    database,
    reach: place.reach,
    async openAnother() {
      const other = await openReachable(place.reach, clock);
      others.push(other);
      return other;
    },
    async remove() {
      await Promise.all([database, ...others].map((open) => open.close()));
      await place.remove();
    },
  };
}
