import type { StoredEvent } from '../../bridge/events/event.ts';
import type { Company } from './company.ts';

const PAGE = 100;

/** The company's whole event log as its administrator gets it: page by page, from the beginning. */
export async function fetchEvents({ administrator }: Pick<Company, 'administrator'>): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (;;) {
    const since = events.at(-1)?.seq ?? 0;
    const lines = await administrator.text(`/v1/events?since=${since}&limit=${PAGE}`);
    const page = lines.split('\n').filter((line) => line !== '');
    if (page.length === 0) return events;
    events.push(...page.map((line) => JSON.parse(line) as StoredEvent));
  }
}
