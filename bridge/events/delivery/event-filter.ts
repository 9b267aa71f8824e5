import { SEVERITY_NAMES, severityOf } from '../../../connectors/siem/formats/severity.ts';
import type { StoredEvent } from '../event.ts';
import { matchesPattern, type SinkFilter } from '../sinks/sink-input.ts';

/** Whether a sink with this filter gets the event. */
export function passesFilter(event: StoredEvent, filter: SinkFilter): boolean {
  const { types, outcomes, min_severity: least } = filter;
  if (types !== undefined && !types.some((pattern) => matchesPattern(event.type, pattern))) return false;
  if (outcomes !== undefined && !outcomes.includes(event.outcome)) return false;
  return least === undefined || rank(severityOf(event)) >= rank(least);
}

function rank(severity: (typeof SEVERITY_NAMES)[number]): number {
  return SEVERITY_NAMES.indexOf(severity);
}
