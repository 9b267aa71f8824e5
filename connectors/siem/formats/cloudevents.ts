import type { SinkEvent } from '../sink-event.ts';
import { actorId, firstMemberText } from './event-members.ts';
import type { EventOrigin, Formatter } from './formatter.ts';
import { jsonLine } from './json-line.ts';
import { severityOf } from './severity.ts';

/** So that texts sort as the numbers do (the Sequence extension asks for that). */
const SEQUENCE_DIGITS = 16;

/**
 * CloudEvents 1.0.2 in structured mode: the event is the `data`. Extension attributes: `sequence`, `outcome`,
 * `severity`, and `replay` where it comes once more. A receiver that takes batches gets an array of these.
 */
export function cloudevents({ iss }: EventOrigin): Formatter {
  return {
    name: 'cloudevents',
    format: (event) =>
      jsonLine({
        specversion: '1.0',
        id: event.event_id,
        source: iss,
        type: `countersign.${event.type}`,
        time: event.time,
        subject: subjectOf(event),
        sequence: String(event.seq).padStart(SEQUENCE_DIGITS, '0'),
        outcome: event.outcome,
        severity: severityOf(event),
        replay: event.replay,
        datacontenttype: 'application/json',
        data: event,
      }),
  };
}

/** What it is about, where it is about something; else who acted. Left out where nothing is there: never empty. */
function subjectOf(event: SinkEvent): string | undefined {
  const subject = firstMemberText(event, [
    ...(['subject.sub', 'subject.group', 'subject.partner', 'subject.connection'] as const),
    ...(['subject.domain', 'subject.app', 'subject.device'] as const),
  ]);
  return subject ?? actorId(event);
}
