import type { SinkEvent } from '../sink-event.ts';
import { extensionOf } from './cef-extension.ts';
import { headerField } from './cef-text.ts';
import type { EventOrigin, Formatter } from './formatter.ts';
import { mappingOf } from './mapping/event-mappings.ts';
import { type SeverityName, severityOf } from './severity.ts';

/** The middle of CEF’s own ranges: low 0-3, medium 4-6, high 7-8, very high 9-10. */
const SEVERITIES: Readonly<Record<SeverityName, number>> = {
  ...{ informational: 1, low: 3, medium: 5, high: 8, critical: 10 },
};

/** ArcSight Common Event Format, version 0 (revision 25). */
export function cef(origin: EventOrigin, original = false): Formatter {
  const host = URL.canParse(origin.iss) ? new URL(origin.iss).hostname : origin.iss;
  return {
    name: 'cef',
    format: (event) => [...header(event, origin), extensionOf(event, host, original)].join('|'),
  };
}

function header(event: SinkEvent, { version }: EventOrigin): string[] {
  const { title } = mappingOf(event.type);
  const fields = ['Countersign', 'Countersign', version, event.type, title].map(headerField);
  return ['CEF:0', ...fields, String(SEVERITIES[severityOf(event)])];
}
