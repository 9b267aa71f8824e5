import { CountersignError } from '../../protocol/errors.ts';
import { EVENT_PAGE } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import { type LogHead, readHead } from '../tlog/log-heads.ts';
import { eventGenesis, eventHash, type StoredEvent } from './event.ts';
import { readEvents } from './event-store.ts';

/**
 * Recomputes the whole chain of events and holds its end against the head. Answers the head.
 *
 * Throws `state_refused`, naming the first `seq` that does not fit, when an event was changed, taken out, put in or
 * moved, or when the end was cut off. (Who can write the store can also recompute the chain: only a head that
 * somebody else has seen shows that.)
 */
export async function verifyChain(database: Database, iss: string): Promise<LogHead> {
  const genesis: LogHead = { size: 0, hash: eventGenesis(iss) };
  // read before the events: what comes in meanwhile lies behind it
  const head = (await database.read((query) => readHead(query, 'events'))) ?? genesis;
  let end = genesis;
  while (end.size < head.size) {
    const limit = Math.min(EVENT_PAGE, head.size - end.size);
    const page = await database.read((query) => readEvents(query, end.size, limit));
    if (page.length === 0) throw doubtful(end.size + 1, 'is missing');
    for (const event of page) end = follow(end, event);
  }
  if (end.hash !== head.hash) throw doubtful(end.size, 'is not the one that the log ends with');
  return head;
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
