import { severityOf } from '../formats/severity.ts';
import type { SeverityName } from '../formats/severity-name.ts';
import type { SinkDeps, SinkEvent } from '../sink.ts';

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

/** OCSF's severities in the log data model: INFO, INFO2, WARN, ERROR, FATAL. */
const SEVERITY_NUMBERS: Readonly<Record<SeverityName, number>> = {
  ...{ informational: 9, low: 10, medium: 13, high: 17, critical: 21 },
};

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;

/** What stands before and behind the records of one request. */
export function requestAround(iss: string): { before: string; after: string } {
  const resource = {
    attributes: [text('service.name', 'countersign'), text('service.instance.id', iss)],
  };
  const scope = { name: 'countersign.events' };
  return {
    before: `{"resourceLogs":[{"resource":${JSON.stringify(resource)},"scopeLogs":[{"scope":${JSON.stringify(scope)},"logRecords":[`,
    after: ']}]}]}',
  };
}

/** An event as a log record in OTLP's JSON: 64-bit numbers as strings, ids in hex, names in lowerCamelCase. */
export function logRecord(event: SinkEvent, { formatter, clock }: SinkDeps): string {
  const severity = severityOf(event);
  return JSON.stringify({
    timeUnixNano: nanoseconds(Date.parse(event.time)),
    observedTimeUnixNano: nanoseconds(clock.now()),
    severityNumber: SEVERITY_NUMBERS[severity],
    severityText: severity,
    eventName: event.type,
    body: { stringValue: formatter.format(event) },
    attributes: [
      text('log.record.uid', event.event_id),
      { key: 'countersign.seq', value: { intValue: String(event.seq) } } satisfies KeyValue,
      text('countersign.outcome', event.outcome),
      text('countersign.actor.kind', event.actor.kind),
      ...(event.code === null ? [] : [text('error.type', event.code)]),
      ...(event.replay === undefined ? [] : [text('countersign.replay', event.replay)]),
    ],
    ...(event.trace_id !== null && TRACE_ID.test(event.trace_id) ? { traceId: event.trace_id } : {}),
  });
}

function text(key: string, value: string): KeyValue {
  return { key, value: { stringValue: value } };
}

function nanoseconds(ms: number): string {
  return `${Math.trunc(ms)}000000`;
}
