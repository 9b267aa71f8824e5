import type { EventLog } from '../events/event-log.ts';
import type { Logger } from '../lib/logger.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { Database } from '../storage/database.ts';
import type { HeadFile } from '../tlog/head-file.ts';
import { readHead } from '../tlog/log-heads.ts';

/** A store with entries whose head file is not there, and which no witness knows either. */
export interface LostHead {
  /** For readiness, as long as the process runs: the file is made anew, and the next start finds it. */
  warnings(): readonly string[];
}

export interface LostHeadDeps {
  readonly database: Database;
  readonly events: Pick<EventLog, 'record'>;
  readonly logger: Logger;
  /** Undefined: none is configured, and nothing is missed. */
  readonly headFile: Pick<HeadFile, 'read'> | undefined;
  /** Where there are any, they say whether the store is the newest, or it is in doubt (start-doubt.ts). */
  readonly witnesses: readonly unknown[];
}

/**
 * Looks, at the start, before the head file is made anew. Where it is lost, nothing tells a restored backup from the
 * newest store; a file that is newly configured looks the same, as does a backup that is put back on a new machine, so both
 * are told. A first start has no entries. Throws what the database and the head file throw.
 */
export async function lookForLostHead(deps: LostHeadDeps): Promise<LostHead> {
  const size = await unknownSize(deps);
  if (size === 0) return { warnings: () => [] };
  const { events, logger } = deps;
  events
    .record({ type: 'log.head_lost', actor: SYSTEM.actor, outcome: 'failure', data: { size } })
    .catch((err: unknown) =>
      logger.error({ err, size }, 'that the log’s head file is lost could not be recorded'),
    );
  return { warnings: () => [warningOf(size)] };
}

/** How many entries the store has that nothing else knows of. */
async function unknownSize({ database, headFile, witnesses }: LostHeadDeps): Promise<number> {
  if (headFile === undefined || witnesses.length > 0) return 0;
  if ((await headFile.read()) !== undefined) return 0;
  return (await database.read((query) => readHead(query, 'keys')))?.size ?? 0;
}

function warningOf(size: number): string {
  return (
    `The bridge started without the log’s head file (key_log.head_file), on a store with ${size} entries: nothing could ` +
    'tell whether that is the newest store. If it is a restored backup, stop the bridge now: who was closed since is active ' +
    'again. If only the file was lost, moved or newly configured, it is made anew, and the next start says this no more.'
  );
}
