import type { SinkEvent } from '../../../connectors/siem/sink.ts';
import { newId } from '../../lib/ids.ts';
import { SINK_TEST_MS } from '../../lib/limits.ts';
import type { Actor, RequestContext } from '../../lib/request-context.ts';
import type { SinkDefinition } from '../delivery/sink-definition.ts';
import { SinkFault } from '../delivery/sink-fault.ts';
import { within } from '../delivery/within.ts';
import { eventBody, eventGenesis, eventHash, type StoredEvent } from '../event.ts';
import { redactEvent } from '../redaction.ts';
import { succeeded } from '../succeeded.ts';
import type { SinkTestView } from './sinks.ts';

/** An event that stands in no log: `seq` 0, before the first. `time` in milliseconds. */
export function testEvent(
  { id, name }: Pick<SinkDefinition, 'id' | 'name'>,
  { by, time, iss }: { readonly by: RequestContext; readonly time: number; readonly iss: string },
): StoredEvent {
  const test = newId();
  const data = { sink: id, name, test };
  const body = eventBody(
    succeeded({ type: 'sink.tested', data }, { ...by, actor: unnamed(by.actor) }),
    test,
    time,
  );
  const event = { ...body, seq: 0, prev: eventGenesis(iss) };
  return { ...event, hash: eventHash(event) };
}

/** Nothing signs a test event, so it has no member that could say something: verifiers take it for none else. */
function unnamed(actor: Actor): Actor {
  if (actor.kind !== 'administrator') return actor;
  const { name: _phrase, ...rest } = actor;
  return rest;
}

/** Sends it through an opening of its own, and waits until it counts as taken. It never rejects. */
export async function sendTest(definition: SinkDefinition, event: StoredEvent): Promise<SinkTestView> {
  const begun = performance.now();
  const answer = (fault?: SinkFault): SinkTestView => ({
    accepted: fault === undefined,
    took_ms: Math.round(performance.now() - begun),
    code: fault?.code ?? null,
    detail: fault?.detail ?? null,
    event_id: event.event_id,
  });
  try {
    const words = await within(SINK_TEST_MS, new AbortController().signal, (signal) =>
      deliverOne(definition, event, signal),
    );
    return words === undefined ? answer() : { ...answer(), accepted: false, ...words };
  } catch (error) {
    return answer(new SinkFault(error));
  }
}

/** Answers the receiver's words, where it refuses the event. */
async function deliverOne(
  definition: SinkDefinition,
  event: StoredEvent,
  signal: AbortSignal,
): Promise<Pick<SinkTestView, 'code' | 'detail'> | undefined> {
  const { sink, redactionKey } = await definition.open();
  try {
    const sent: SinkEvent = redactEvent(event, definition.redaction, redactionKey);
    const { refused } = await sink.deliver([sent], signal);
    const [first] = refused;
    if (first !== undefined) return { code: 'sink_batch_refused', detail: first.words };
    await sink.settle?.(signal);
    return undefined;
  } finally {
    await sink.close().catch(() => undefined);
  }
}
