import { severityOf } from '../formats/severity.ts';
import type { SeverityName } from '../formats/severity-name.ts';
import type { SinkEvent } from '../sink.ts';

/** RFC 5424 section 6.2.1: informational, notice, warning, error, critical. */
const SEVERITIES: Readonly<Record<SeverityName, number>> = {
  ...{ informational: 6, low: 5, medium: 4, high: 3, critical: 2 },
};

export function syslogSeverity(event: SinkEvent): number {
  return SEVERITIES[severityOf(event)];
}
