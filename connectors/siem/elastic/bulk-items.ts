import * as z from 'zod';
import type { HttpReceiver, ReceiverAnswer } from '../http/http-receiver.ts';
import { faultOfStatus, type SinkFault } from '../http/receiver-faults.ts';
import { refusedEvent, takenEvents } from '../http/taken-events.ts';
import type { Outcome, RefusedEvent, SinkEvent } from '../sink.ts';

const item = z.object({
  create: z.object({
    status: z.int().min(200).max(599),
    failure_store: z.string().max(64).optional(),
    error: z.unknown().optional(),
  }),
});

type Item = z.output<typeof item>['create'];

/** What is asked of an answer (`filter_path`): exactly what is read here. */
export const ITEM_MEMBERS =
  'errors,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason';

/** What `_bulk` answers with 200, whatever became of the items. */
export const bulkAnswer = z.object({ errors: z.boolean(), items: z.array(item) });

/** What the store does not say in its answers, and its clients make of that. */
const UNUSED = 'not_applicable_or_unknown';

/** The document is there already: an earlier attempt brought it. */
const CONFLICT = 409;

/**
 * What became of the events, one item each and in their order. From the first on that the store could not take now,
 * everything comes again; those behind it that it did take are known by their id then.
 *
 * Throws where that is the very first.
 *
 * @param stream - which the documents were for
 */
export function outcomeOfItems(
  events: readonly SinkEvent[],
  answer: ReceiverAnswer,
  receiver: HttpReceiver,
  stream: string,
): Outcome {
  const { items } = receiver.read(answer, bulkAnswer);
  if (items.length !== events.length) throw receiver.fault('sink_unavailable', answer);

  const refused: RefusedEvent[] = [];
  for (const [position, event] of events.entries()) {
    const created = items[position]?.create ?? { status: 500 };
    const fault = faultOfItem(created);
    if (fault === undefined) continue;
    const words = receiver.words(wordsOf(created, stream));
    if (fault === 'sink_batch_refused') refused.push(refusedEvent(event, words));
    else if (position === 0) throw receiver.fault(fault, { ...answer, status: created.status, text: words });
    else return takenEvents(events.slice(0, position), refused);
  }
  return takenEvents(events, refused);
}

/**
 * A document that a mapping or a pipeline refuses goes to the failure store of its data stream, where there is one, and
 * the answer is that of a success: but nobody who searches the stream finds it.
 */
function faultOfItem({ status, failure_store: store }: Item): SinkFault | undefined {
  if (status < 300) return store === undefined || store === UNUSED ? undefined : 'sink_batch_refused';
  return status === CONFLICT ? undefined : faultOfStatus(status);
}

function wordsOf({ status, error, failure_store: store }: Item, stream: string): string {
  if (status < 300) {
    return `${status} failure_store ${store}: not in the stream; why, GET ${stream}::failures/_search says`;
  }
  const parsed = z.object({ type: z.string(), reason: z.string().nullish() }).safeParse(error);
  const said = parsed.success
    ? `${parsed.data.type}: ${parsed.data.reason ?? ''}`
    : JSON.stringify(error ?? null);
  return `${status} ${said}${store === 'failed' ? ' (failure_store failed)' : ''}`;
}
