import * as z from 'zod';
import { EVENTS, type EventType } from '../bridge/events/catalog.ts';
import { mappingOf } from '../connectors/siem/formats/mapping/event-mappings.ts';
import { activityOf, OCSF_CLASSES } from '../connectors/siem/formats/mapping/ocsf-activities.ts';

/** What stands between these lines in docs/guides/events.md is written from the catalogue. */
export const BEGIN = '<!-- The table up to the end mark is written by scripts/write-events-guide.ts. -->';
export const END = '<!-- End of the written table. -->';

/** And between these, from how events are told in the words of others. */
export const BEGIN_MAPPING =
  '<!-- The mapping up to the end mark is written by scripts/write-events-guide.ts. -->';
export const END_MAPPING = '<!-- End of the written mapping. -->';

/** What the table needs of a JSON Schema node. */
interface Node {
  type?: string;
  anyOf?: Node[];
  enum?: string[];
  items?: Node;
  properties?: Record<string, Node>;
  required?: string[];
  maxLength?: number;
  maxItems?: number;
  personal?: boolean;
}

/** The guide with its tables written anew. Throws where the marks are missing. */
export function withEventTables(guide: string): string {
  const withTypes = written(guide, BEGIN, renderEventTable(), END);
  return written(withTypes, BEGIN_MAPPING, renderMappingTable(), END_MAPPING);
}

function written(guide: string, beginMark: string, table: string, endMark: string): string {
  const begin = guide.indexOf(beginMark);
  const end = guide.indexOf(endMark);
  if (begin === -1 || end < begin) throw new Error('the guide of events has lost its marks');
  return `${guide.slice(0, begin + beginMark.length)}\n\n${table}\n\n${guide.slice(end)}`;
}

/** Every type in the catalogue's order: what happened, and the members of its data. */
export function renderEventTable(): string {
  const rows = (Object.keys(EVENTS) as EventType[]).map((type) => {
    const { doc, data } = EVENTS[type];
    return `| \`${type}\` | ${doc} | ${members(z.toJSONSchema(data, { io: 'input' }) as Node)} |`;
  });
  return ['| Type | What happened | `data` |', '|---|---|---|', ...rows].join('\n');
}

/** Every type in the words of OCSF, ECS and CEF. */
export function renderMappingTable(): string {
  const rows = (Object.keys(EVENTS) as EventType[]).map((type) => {
    const { title, severity, ocsf, ecs } = mappingOf(type);
    const kind = ocsf.entity === undefined ? '' : ` of \`${ocsf.entity}\``;
    const { uid, caption } = OCSF_CLASSES[ocsf.class];
    const activity = activityOf(ocsf.class, ocsf.activity);
    return `| \`${type}\` | ${title} | ${severity} | ${caption} ${uid}: ${activity.caption} (${activity.id})${kind} | ${ecs.category}: ${ecs.type.join(', ')} |`;
  });
  return [
    '| Type | Title | Severity | OCSF class: activity | ECS category: types |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function members({ properties = {}, required = [] }: Node): string {
  const each = Object.entries(properties).map(
    ([name, node]) => `\`${name}${required.includes(name) ? '' : '?'}\` ${form(node)}`,
  );
  return each.length === 0 ? 'nothing' : each.join('; ');
}

function form(node: Node): string {
  return node.personal === true ? `${plainForm(node)} ‡` : plainForm(node);
}

function plainForm(node: Node): string {
  if (node.anyOf !== undefined) return node.anyOf.map(form).join(' or ');
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(' or ');
  switch (node.type) {
    case 'array':
      return `up to ${node.maxItems} × ${form(node.items ?? {})}`;
    case 'string':
      return `text (${node.maxLength})`;
    case 'integer':
    case 'null':
      return node.type;
    default:
      throw new Error(`the table has no words for ${JSON.stringify(node)}`);
  }
}
