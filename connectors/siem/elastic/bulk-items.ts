import * as z from 'zod';
import type { HttpReceiver, ReceiverAnswer } from '../http/http-receiver.ts';
import { faultOfStatus, type SinkFault } from '../http/receiver-faults.ts';
import { refusedEvent, takenEvents } from '../http/taken-events.ts';
import type { Outcome, RefusedEvent, SinkEvent } from '../sink.ts';

const item = z.object({
  create: z.object({
    status: z.int().min(200).max(599),
    error: z.unknown().optional(),
  }),
});

/** What `_bulk` answers with 200, whatever became of the items. */
export const bulkAnswer = z.object({ errors: z.boolean(), items: z.array(item) });

/** The document is there already: an earlier attempt brought it. */
const CONFLICT = 409;

/**
 * What became of the events, one item each and in their order. From the first on that the store could not take now,
 * everything comes again; those behind it that it did take are known by their id then.
 *
 * Throws where that is the very first.
 */
export function outcomeOfItems(
  events: readonly SinkEvent[],
  answer: ReceiverAnswer,
  receiver: HttpReceiver,
): Outcome {
  const { items } = receiver.read(answer, bulkAnswer);
  if (items.length !== events.length) throw receiver.fault('sink_unavailable', answer);

  const refused: RefusedEvent[] = [];
  for (const [position, event] of events.entries()) {
    const { status, error } = items[position]?.create ?? { status: 500 };
    const fault = faultOfItem(status);
    if (fault === undefined) continue;
    const words = receiver.words(wordsOf(status, error));
    if (fault === 'sink_batch_refused') refused.push(refusedEvent(event, words));
    else if (position === 0) throw receiver.fault(fault, { ...answer, status, text: words });
    else return takenEvents(events.slice(0, position), refused);
  }
  return takenEvents(events, refused);
}

function faultOfItem(status: number): SinkFault | undefined {
  return status < 300 || status === CONFLICT ? undefined : faultOfStatus(status);
}

function wordsOf(status: number, error: unknown): string {
  const parsed = z.object({ type: z.string(), reason: z.string().nullish() }).safeParse(error);
  if (!parsed.success) return `${status} ${JSON.stringify(error ?? null)}`;
  return `${status} ${parsed.data.type}: ${parsed.data.reason ?? ''}`;
}
