import * as z from 'zod';
import { EVENTS, type EventType } from '../bridge/events/catalog.ts';

/** What stands between these lines in docs/guides/events.md is written from the catalogue. */
export const BEGIN = '<!-- The table up to the end mark is written by scripts/write-events-guide.ts. -->';
export const END = '<!-- End of the written table. -->';

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
}

/** The guide with its table written anew. Throws where the marks are missing. */
export function withEventTable(guide: string): string {
  const begin = guide.indexOf(BEGIN);
  const end = guide.indexOf(END);
  if (begin === -1 || end < begin) throw new Error('the guide of events has lost its marks');
  return `${guide.slice(0, begin + BEGIN.length)}\n\n${renderEventTable()}\n\n${guide.slice(end)}`;
}

/** Every type in the catalogue's order: what happened, and the members of its data. */
export function renderEventTable(): string {
  const rows = (Object.keys(EVENTS) as EventType[]).map((type) => {
    const { doc, data } = EVENTS[type];
    return `| \`${type}\` | ${doc} | ${members(z.toJSONSchema(data, { io: 'input' }) as Node)} |`;
  });
  return ['| Type | What happened | `data` |', '|---|---|---|', ...rows].join('\n');
}

function members({ properties = {}, required = [] }: Node): string {
  const each = Object.entries(properties).map(
    ([name, node]) => `\`${name}${required.includes(name) ? '' : '?'}\` ${form(node)}`,
  );
  return each.length === 0 ? 'nothing' : each.join('; ');
}

function form(node: Node): string {
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
