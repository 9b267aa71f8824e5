import { expect, vi } from 'vitest';
import type { Database } from '../../bridge/storage/database.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { SOON } from '../fakes/soon.ts';
import { allRows, tableNames } from '../fakes/stored-tables.ts';

/**
 * Beside these nothing may change by a refused request: the events are the point, decisions are recorded whatever they
 * are, the others forget by themselves.
 */
const NOT_COMPARED = new Set([
  ...['events', 'one_time', 'policy_decisions'],
  // What becomes of events, a moment later.
  ...['signal_progress', 'signal_queues', 'signal_outbox', 'signal_contacts', 'meeting_progress'],
]);

/** For each table of the store, whichever there are: how many rows, and a digest of them (without the log of events and its tree). */
export async function storedRows(store: Database): Promise<Record<string, string>> {
  await logAtRest(store);
  const tables = await tableNames(store);
  return store.read(async (query) => {
    const found: Record<string, string> = {};
    for (const name of tables) {
      if (NOT_COMPARED.has(name)) continue;
      const rows = await allRows(query, name);
      const compared = rows
        .filter(({ log }) => log !== 'events' && log !== 'event-tree')
        .map((row) => JSON.stringify(row))
        .toSorted();
      found[name] = `${compared.length} rows, ${sha256Base64url(compared.join())}`;
    }
    return found;
  });
}

/** What was staged before is logged and signed by and by, whatever is asked meanwhile. */
function logAtRest(store: Database): Promise<void> {
  return vi.waitFor(
    () =>
      store.read(async (query) => {
        const staged = await query
          .selectFrom('logged_versions')
          .select('name')
          .where('position', 'is', null)
          .execute();
        const newest = await query
          .selectFrom('log_checkpoints')
          .select('log_signature')
          .where('log', '=', 'keys')
          .orderBy('size', 'desc')
          .executeTakeFirst();
        expect({ staged, signed: newest?.log_signature !== null }).toEqual({ staged: [], signed: true });
      }),
    SOON,
  );
}
