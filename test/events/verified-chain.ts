import { eventGenesis, eventHash, type StoredEvent } from '../../bridge/events/event.ts';
import { readEvents } from '../../bridge/events/event-store.ts';
import { eventTreeEntries } from '../../bridge/events/log-tree.ts';
import { readPruned } from '../../bridge/events/prune-store.ts';
import { EVENT_PAGE } from '../../bridge/lib/limits.ts';
import type { Database, Query } from '../../bridge/storage/database.ts';
import { type LogHead, readHead } from '../../bridge/tlog/log-heads.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';

/**
 * Recomputes the chain of events from the oldest that is kept and holds its end against the head, which it answers.
 * Throws where anything does not fit.
 */
export async function verifyChain(database: Database, iss: string): Promise<LogHead> {
  const genesis: LogHead = { size: 0, hash: eventGenesis(iss) };
  // read before the events: what comes in meanwhile lies behind it
  const head = (await database.read((query) => readHead(query, 'events'))) ?? genesis;
  let end = await database.read((query) => beginning(query, genesis));
  while (end.size < head.size) {
    const limit = Math.min(EVENT_PAGE, head.size - end.size);
    const page = await database.read((query) => readEvents(query, end.size, limit));
    if (page.length === 0) throw doubtful(end.size + 1, 'is missing');
    for (const event of page) end = follow(end, event);
  }
  if (end.hash !== head.hash) throw doubtful(end.size, 'is not the one that the log ends with');
  return head;
}

/** What the oldest event that is kept follows: where older ones are pruned, the tree still has the hash of the last. */
async function beginning(query: Query, genesis: LogHead): Promise<LogHead> {
  const { seq: size } = await readPruned(query);
  if (size === 0) return genesis;
  const [hash] = await eventTreeEntries(query, size, size);
  return { size, hash: hash === undefined ? '' : encodeBase64url(hash) };
}

function follow(end: LogHead, event: StoredEvent): LogHead {
  const { hash, ...hashed } = event;
  if (event.seq !== end.size + 1) throw doubtful(end.size + 1, 'is missing');
  if (event.prev !== end.hash) throw doubtful(event.seq, 'does not follow the one before it');
  if (eventHash(hashed) !== hash) throw doubtful(event.seq, 'was changed');
  return { size: event.seq, hash };
}

function doubtful(seq: number, what: string): Error {
  return new Error(`event ${seq} ${what}`);
}
