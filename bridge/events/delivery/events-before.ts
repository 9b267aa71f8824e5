import type { SinkEvent } from '../../../connectors/siem/sink.ts';
import { isCountersignError } from '../../../protocol/errors.ts';
import { SINK_EVENT_PAGE } from '../../lib/limits.ts';
import type { DeliveryParts } from './delivery-deps.ts';
import { eventsFor, type SinkDefinition } from './sink-definition.ts';

/** Of what is before an event: the one next to it, and some further off, as that may be at fault itself. */
const PLACES = [0, 3, 15, 63];

/** Some events before `seq` that the sink was to get, nearest first; none where they are not kept any more. */
export async function eventsBefore(
  { log }: Pick<DeliveryParts, 'log'>,
  definition: SinkDefinition,
  key: Uint8Array | undefined,
  seq: number,
): Promise<SinkEvent[]> {
  const since = Math.max(0, seq - 1 - SINK_EVENT_PAGE);
  if (seq - 1 <= since) return [];
  try {
    const page = await log.page({ since, limit: seq - 1 - since });
    const events = eventsFor(definition, key, page).reverse();
    return PLACES.flatMap((place) => events[place] ?? []);
  } catch (error) {
    if (isCountersignError(error, 'events_pruned')) return [];
    throw error;
  }
}
