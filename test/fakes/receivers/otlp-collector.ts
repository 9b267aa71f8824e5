import {
  type Answer,
  demand,
  jsonOf,
  membersOf,
  openReceiver,
  type ReceivedRequest,
  type Receiver,
} from './receiver.ts';
import type { ReceiverNetwork } from './receiver-network.ts';

export interface OtlpCollector extends Receiver {
  readonly held: readonly string[];
  readonly records: readonly Record<string, unknown>[];
  refuse(eventId: string): void;
}

/** `POST /v1/logs` of a collector that speaks OTLP/HTTP 1.x in JSON, and knows no member beyond the schema. */
export async function openOtlpCollector(
  network: ReceiverNetwork,
  options: { apiKey: string },
): Promise<OtlpCollector> {
  const held: string[] = [];
  const records: Record<string, unknown>[] = [];
  const refused = new Set<string>();

  function handle(request: ReceivedRequest): Answer {
    demand(request.method === 'POST' && request.path === '/v1/logs', 'expected POST /v1/logs');
    demand(request.headers['content-type'] === 'application/json', 'expected application/json');
    if (request.headers['x-api-key'] !== options.apiKey) return { status: 401, body: '{"code":16}' };
    const came = recordsIn(jsonOf(request.body));
    const ids = came.map(checkRecord);
    const rejected = ids.filter((id) => refused.has(id)).length;
    for (const [at, id] of ids.entries()) {
      if (refused.has(id)) continue;
      held.push(id);
      records.push(came[at] ?? {});
    }
    const headers = { 'content-type': 'application/json' };
    if (rejected === 0) return { status: 200, headers, body: '{"partialSuccess":{}}' };
    const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage: 'not these' };
    return { status: 200, headers, body: JSON.stringify({ partialSuccess }) };
  }

  const receiver = await openReceiver(network, 'otel.example.net', handle);
  return { ...receiver, held, records, refuse: (eventId) => void refused.add(eventId) };
}

function listOf(value: unknown, name: string): unknown[] {
  demand(Array.isArray(value), `${name} is not a list`);
  return value;
}

function recordsIn(body: unknown): Record<string, unknown>[] {
  const resources = listOf(membersOf(body, ['resourceLogs']).resourceLogs, 'resourceLogs');
  return resources.flatMap((entry) => {
    const { resource, scopeLogs } = membersOf(entry, ['resource', 'scopeLogs'], ['schemaUrl']);
    const attributes = attributesOf(membersOf(resource, ['attributes']).attributes);
    demand(attributes.has('service.name'), 'the resource lacks service.name');
    return listOf(scopeLogs, 'scopeLogs').flatMap((scoped) => {
      const { scope, logRecords } = membersOf(scoped, ['scope', 'logRecords'], ['schemaUrl']);
      membersOf(scope, ['name'], ['version']);
      return listOf(logRecords, 'logRecords').map((record) =>
        membersOf(record, [], Object.keys(Object(record))),
      );
    });
  });
}

function checkRecord(record: Record<string, unknown>): string {
  membersOf(
    record,
    ['timeUnixNano', 'observedTimeUnixNano', 'severityNumber', 'body', 'attributes'],
    ['severityText', 'eventName', 'traceId', 'spanId', 'flags', 'droppedAttributesCount'],
  );
  for (const name of ['timeUnixNano', 'observedTimeUnixNano']) {
    demand(/^\d{19}$/.test(String(record[name])) && typeof record[name] === 'string', `${name} is not text`);
  }
  const severity = Number(record.severityNumber);
  demand(Number.isInteger(severity) && severity >= 1 && severity <= 24, 'severityNumber is not of the 24');
  if (record.traceId !== undefined)
    demand(/^[0-9a-f]{32}$/.test(String(record.traceId)), 'traceId is not hex');
  demand(typeof membersOf(record.body, ['stringValue']).stringValue === 'string', 'the body is not text');
  const id = attributesOf(record.attributes).get('log.record.uid');
  demand(id !== undefined, 'lacks log.record.uid');
  return id;
}

/** Keys are unique; a value has exactly one of its forms. */
function attributesOf(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  for (const attribute of listOf(value, 'attributes')) {
    const { key, value: any } = membersOf(attribute, ['key', 'value']);
    const [[form, content] = ['', ''], ...more] = Object.entries(Object(any));
    demand(more.length === 0 && ['stringValue', 'intValue'].includes(form), 'a value is of no form');
    demand(typeof content === 'string', `${form} is not text`);
    demand(typeof key === 'string' && key !== '' && !found.has(key), 'a key is empty or there twice');
    found.set(key, content);
  }
  return found;
}
