import type { SinkEvent } from '../sink-event.ts';
import { ecsPeople } from './ecs-people.ts';
import { firstMemberText, memberText } from './event-members.ts';
import type { EventOrigin, Formatter } from './formatter.ts';
import { wellFormedJsonLine } from './json-line.ts';
import { mappingOf } from './mapping/event-mappings.ts';
import { plain } from './plain.ts';
import { severityId, severityOf } from './severity.ts';

/** Of the Elastic Common Schema. */
const ECS_VERSION = '9.4.0';

/**
 * A document of the Elastic Common Schema. What is ours alone stands under `countersign`, the data by the first word
 * of the type (`countersign.data.device.label`): a member has the same type in all documents, so that none is refused for
 * its mapping.
 */
export function ecs(origin: EventOrigin, original = false): Formatter {
  return { name: 'ecs', format: (event) => wellFormedJsonLine(documentOf(event, origin, original)) };
}

function documentOf(event: SinkEvent, origin: EventOrigin, original: boolean): object {
  const { title } = mappingOf(event.type);
  return {
    '@timestamp': event.time,
    ecs: { version: ECS_VERSION },
    message: title,
    event: { ...eventFields(event), original: original ? plain.format(event) : undefined },
    ...ecsPeople(event),
    organization: { name: origin.organization },
    service: { type: 'countersign', name: 'countersign', id: origin.iss, version: origin.version },
    observer: { vendor: 'Countersign', product: 'Countersign', version: origin.version, type: 'bridge' },
    trace: event.trace_id === null ? undefined : { id: event.trace_id },
    http: event.request_id === null ? undefined : { request: { id: event.request_id, ...method(event) } },
    url:
      event.type === 'request.refused'
        ? { path: firstMemberText(event, ['data.path', 'data.route']) }
        : undefined,
    error: event.code === null ? undefined : { code: event.code },
    rule: event.type === 'policy.denied' ? { name: memberText(event, 'data.policy') } : undefined,
    countersign: ownFields(event),
  };
}

function eventFields(event: SinkEvent): object {
  const { ecs: mapping } = mappingOf(event.type);
  return {
    id: event.event_id,
    sequence: event.seq,
    kind: mapping.category === 'intrusion_detection' ? 'alert' : 'event',
    category: [mapping.category],
    type: mapping.type,
    action: event.type,
    outcome: event.outcome,
    reason: memberText(event, 'data.reason') ?? event.code ?? undefined,
    severity: severityId(severityOf(event)),
    module: 'countersign',
    dataset: 'countersign.events',
    provider: 'countersign',
    hash: event.hash,
  };
}

function method(event: SinkEvent): object {
  return event.type === 'request.refused' ? { method: memberText(event, 'data.method') } : {};
}

function ownFields(event: SinkEvent): object {
  const { connection, app } = event.subject;
  return {
    v: event.v,
    salt: event.salt,
    prev: event.prev,
    actor: event.actor.kind,
    partner: event.subject.partner ?? event.actor.iss,
    connection,
    app,
    replay: event.replay,
    redaction: event.redaction,
    data: Object.keys(event.data).length === 0 ? undefined : { [groupOf(event.type)]: event.data },
  };
}

/** The first word of a type. */
function groupOf(type: string): string {
  return type.split('.')[0] ?? type;
}
