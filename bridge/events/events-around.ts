import { firstIdOf } from '../lib/ids.ts';
import type { Query } from '../storage/database.ts';
import type { EventBody } from './event.ts';

/** What one transaction reports is minted within a moment; clocks of replicas play no part in it. */
const MOMENT_MS = 5_000;
/** More of one person in so short a time are not looked through. */
const EVENTS_MAX = 200;

/** The events about a person that were reported around the moment in which a UUIDv7 of ours was made, oldest first. */
export async function eventsAround(query: Query, id: string, sub: string): Promise<EventBody[]> {
  const time = Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  const rows = await query
    .selectFrom('events')
    .select('body')
    .where('event_id', '>=', firstIdOf(time - MOMENT_MS))
    .where('event_id', '<', firstIdOf(time + MOMENT_MS))
    .where('body', 'like', `%"sub":"${sub}"%`)
    .orderBy('event_id')
    .limit(EVENTS_MAX)
    .execute();
  const events: EventBody[] = rows.map(({ body }) => JSON.parse(body));
  return events.filter(({ subject }) => subject.sub === sub);
}
