import type { SinkEvent } from '../sink-event.ts';
import type { EventOrigin, Formatter } from './formatter.ts';
import { wellFormedJsonLine } from './json-line.ts';
import { mappingOf } from './mapping/event-mappings.ts';
import { activityOf, OCSF_CATEGORIES, OCSF_CLASSES } from './mapping/ocsf-activities.ts';
import { classMembers } from './ocsf/class-members.ts';
import { refinedActivity } from './ocsf/refined-activity.ts';
import { securityControl } from './ocsf/security-control.ts';
import { plain } from './plain.ts';
import { type SeverityName, severityId, severityOf } from './severity.ts';

const OCSF_VERSION = '1.8.0';

const SEVERITIES: Readonly<Record<SeverityName, string>> = {
  ...{ informational: 'Informational', low: 'Low', medium: 'Medium', high: 'High', critical: 'Critical' },
};

/**
 * An event of the Open Cybersecurity Schema Framework, 1.8.0. What has no place in the class stands in `unmapped`:
 * together with `metadata`, nothing of the event is lost.
 */
export function ocsf(origin: EventOrigin, original = false): Formatter {
  return { name: 'ocsf', format: (event) => wellFormedJsonLine(ocsfEvent(event, origin, original)) };
}

function ocsfEvent(event: SinkEvent, origin: EventOrigin, original: boolean): object {
  const mapping = mappingOf(event.type);
  const severity = severityOf(event);
  const control = securityControl(event, mapping);
  return {
    ...classification(event),
    time: Date.parse(event.time),
    severity_id: severityId(severity),
    severity: SEVERITIES[severity],
    message: mapping.title,
    ...statusOf(event),
    metadata: metadataOf(event, origin, control === undefined ? [] : ['security_control']),
    ...classMembers(event, mapping.ocsf, origin),
    ...control,
    raw_data: original ? plain.format(event) : undefined,
    unmapped: {
      ...{ actor: event.actor, subject: event.subject, data: event.data },
      ...{ trace_id: event.trace_id, salt: event.salt, prev: event.prev, hash: event.hash },
      redaction: event.redaction,
    },
  };
}

/** The class, the activity, and the type: both together. */
function classification(event: SinkEvent): object {
  const { class: name, activity } = refinedActivity(event, mappingOf(event.type).ocsf);
  const { uid, category, caption } = OCSF_CLASSES[name];
  const { id, caption: activityName } = activityOf(name, activity);
  return {
    ...{ activity_id: id, activity_name: activityName },
    ...{ category_uid: category, category_name: OCSF_CATEGORIES[category] },
    ...{ class_uid: uid, class_name: caption },
    type_uid: uid * 100 + id,
    type_name: `${caption}: ${id === 99 ? 'Other' : activityName}`,
  };
}

/** Of a finding it is who works on it, not how the act ended. */
function statusOf(event: SinkEvent): object {
  if (mappingOf(event.type).ocsf.class === 'detection_finding') return { status_id: 1, status: 'New' };
  const success = event.outcome === 'success';
  return {
    status_id: success ? 1 : 2,
    status: success ? 'Success' : 'Failure',
    status_code: event.code ?? undefined,
    status_detail: typeof event.data.reason === 'string' ? event.data.reason : undefined,
  };
}

function metadataOf(event: SinkEvent, origin: EventOrigin, profiles: readonly string[]): object {
  return {
    version: OCSF_VERSION,
    product: { name: 'Countersign', vendor_name: 'Countersign', version: origin.version },
    profiles,
    uid: event.event_id,
    original_event_uid: event.event_id,
    original_time: event.time,
    sequence: event.seq,
    event_code: event.type,
    tenant_uid: origin.organization,
    log_name: 'countersign',
    log_source: origin.iss,
    log_version: String(event.v),
    correlation_uid: event.request_id ?? undefined,
    labels: event.replay === undefined ? undefined : [`replay:${event.replay}`],
  };
}
