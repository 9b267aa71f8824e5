import { systemClock } from '../../bridge/lib/clock.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { answerParent } from '../processes/child.ts';
import { type Filling, makeFilling, storeMap, storeTree } from './fill-log.ts';

/** Fills a log, in three steps, in a process whose memory is gone afterwards. */
let filling: Filling = { leaves: [], epochs: [] };

const handlers = {
  make: (entries: number) => {
    filling = makeFilling(entries, systemClock.now() - 1_000);
  },
  storeTree: ({ path, vrfPublicKey }: { path: string; vrfPublicKey: Uint8Array }) =>
    inDatabase(path, (database) => storeTree(database, filling, vrfPublicKey)),
  storeMap: (path: string) => inDatabase(path, (database) => storeMap(database, filling)),
};
export type FillProcess = typeof handlers;

async function inDatabase(path: string, work: (database: Database) => Promise<void>): Promise<void> {
  const database = await openSqlite({ path, clock: systemClock });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

answerParent(handlers);
