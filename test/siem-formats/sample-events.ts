import * as z from 'zod';
import { EVENTS, type EventType } from '../../bridge/events/catalog.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';
import type { Json } from '../../protocol/canonical-json.ts';

export const ORIGIN = {
  iss: 'https://bridge.acme.example',
  organization: 'Acme',
  version: '0.1.0',
};

export const TYPES = Object.keys(EVENTS) as EventType[];

/** What the samples need of a JSON Schema node. */
interface Node {
  readonly type?: string;
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly items?: Node;
  readonly properties?: Record<string, Node>;
  readonly required?: readonly string[];
  readonly maxLength?: number;
  readonly minimum?: number;
}

export interface SampleOptions {
  /** What stands in each text that the catalogue does not fix. */
  readonly text?: () => string;
  /** Whether optional members are there. Default: all. */
  readonly optional?: boolean;
  readonly changes?: Partial<SinkEvent>;
}

/** An event of the type, with data that the catalogue takes. */
export function sampleEvent(type: EventType, options: SampleOptions = {}): SinkEvent {
  const { text = () => 'text', optional = true, changes = {} } = options;
  const node = z.toJSONSchema(EVENTS[type].data, { io: 'input' }) as Node;
  const whole = optional ? { sub: text(), address: 'alice@acme.example', device: text(), group: text() } : {};
  return {
    ...{ v: 1, seq: 7, event_id: '019a9f00-0000-7000-8000-000000000001' },
    ...{ time: '2026-11-22T09:00:00.123Z', type, outcome: 'success', code: null },
    actor: { kind: 'person', sub: 'p1', device: 'd1', address: '192.0.2.7' },
    subject: whole,
    ...{ request_id: 'r-1', trace_id: optional ? text() : null },
    data: sampleMembers(node, text, optional),
    ...{ salt: 'AAAAAAAAAAAAAAAAAAAAAA', prev: 'cHJldg', hash: 'aGFzaA' },
    ...changes,
  };
}

function sampleMembers(node: Node, text: () => string, optional: boolean): Record<string, Json> {
  const { properties = {}, required = [] } = node;
  const members = Object.entries(properties).filter(([name]) => optional || required.includes(name));
  return Object.fromEntries(members.map(([name, member]) => [name, sampleValue(member, text, optional)]));
}

function sampleValue(node: Node, text: () => string, optional: boolean): Json {
  if (node.const !== undefined) return node.const;
  if (node.enum !== undefined) return node.enum[0] ?? null;
  if (node.anyOf !== undefined) return sampleValue(node.anyOf[0] ?? {}, text, optional);
  switch (node.type) {
    case 'string':
      return text();
    case 'integer':
      return Math.max(node.minimum ?? 0, 3);
    case 'boolean':
      return true;
    case 'array':
      return [sampleValue(node.items ?? {}, text, optional)];
    case 'object':
      return sampleMembers(node, text, optional);
    default:
      return null;
  }
}
