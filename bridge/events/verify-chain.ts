import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { EVENT_PAGE } from '../lib/limits.ts';
import type { Database, Query } from '../storage/database.ts';
import { type LogHead, readHead } from '../tlog/log-heads.ts';
import { eventGenesis, eventHash, type StoredEvent } from './event.ts';
import { readEvents } from './event-store.ts';
import { eventTreeEntries } from './log-tree.ts';
import { readPruned } from './prune-store.ts';

/**
 * Recomputes the chain of events from the oldest that is kept and holds its end against the head. Answers the head.
 *
 * Throws `state_refused`, naming the first `seq` that does not fit, when an event was changed, taken out, put in or
 * moved, or when the end was cut off. (Who can write the store can also recompute the chain: only a checkpoint that
 * somebody else has shows that, see protocol/events/verify-copy.ts.)
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

function doubtful(seq: number, what: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `The event log was tampered with or is damaged: event ${seq} ${what}.`,
  );
}
