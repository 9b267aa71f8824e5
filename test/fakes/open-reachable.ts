import type { Clock } from '../../bridge/lib/clock.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openPostgres } from '../../bridge/storage/postgres/open.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';

/** Opens the store that a fixture made: the path of a file, or the URL of a database. */
export function openReachable(reach: string, clock: Clock): Promise<Database> {
  return reach.startsWith('postgresql:')
    ? openPostgres({ url: reach, clock })
    : openSqlite({ path: reach, clock });
}
