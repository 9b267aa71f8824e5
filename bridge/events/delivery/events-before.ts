import type { SinkEvent } from '../../../connectors/siem/sink.ts';
import { isCountersignError } from '../../../protocol/errors.ts';
import { EVENTS_SCANNED, SINK_EVENT_PAGE } from '../../lib/limits.ts';
import type { DeliveryParts } from './delivery-deps.ts';
import { eventsFor, type SinkDefinition } from './sink-definition.ts';

/** Of what is before an event: the one next to it, and some further off, as that may be at fault itself. */
const PLACES = [0, 3, 15, 63];
const FURTHEST = 63;

/**
 * Some events before `seq` that the sink was to get, nearest first, of the latest EVENTS_SCANNED: its filter may let few
 * pass. None where they are not kept any more.
 */
export async function eventsBefore(
  { log }: Pick<DeliveryParts, 'log'>,
  definition: SinkDefinition,
  key: Uint8Array | undefined,
  seq: number,
): Promise<SinkEvent[]> {
  const found: SinkEvent[] = [];
  const oldest = Math.max(0, seq - 1 - EVENTS_SCANNED);
  try {
    for (let end = seq - 1; end > oldest && found.length <= FURTHEST; end -= SINK_EVENT_PAGE) {
      const since = Math.max(oldest, end - SINK_EVENT_PAGE);
      const page = await log.page({ since, limit: end - since });
      found.push(...eventsFor(definition, key, page).reverse());
    }
  } catch (error) {
    if (!isCountersignError(error, 'events_pruned')) throw error;
  }
  return PLACES.flatMap((place) => found[place] ?? []);
}
