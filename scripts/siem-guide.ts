import * as z from 'zod';
import { sinkKind } from '../connectors/siem/kinds.ts';
import type { SinkKind } from '../connectors/siem/sink.ts';

/** In docs/guides/siem.md, what stands between `<!-- settings: KIND -->` and `<!-- end -->` is written from the kind. */
const BLOCK = /<!-- settings: ([a-z0-9-]+) -->\n[\s\S]*?<!-- end -->/g;

/** What the table needs of a JSON Schema node. */
interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

/** The guide with its tables of settings written anew. Throws where it names a kind that there is not. */
export function withSettingTables(guide: string): string {
  return guide.replace(BLOCK, (_block, name: string) => {
    const kind = sinkKind(name);
    if (kind === undefined) throw new Error(`the guide has a table of ${name}, which is no kind of sink`);
    return `<!-- settings: ${name} -->\n\n${settingTable(kind)}\n\n<!-- end -->`;
  });
}

/** The kinds whose settings the guide shows, in its order. */
export function kindsInGuide(guide: string): string[] {
  return [...guide.matchAll(BLOCK)].map(([, name = '']) => name);
}

function settingTable({ settings, secrets, formats, copy }: SinkKind): string {
  const schema = z.toJSONSchema(settings, { io: 'input' }) as Node;
  const rows = Object.entries(membersOf(schema)).map(([name, node]) => {
    const given = secrets.includes(name) ? `\`--secret ${name}\`` : `\`${name}\``;
    const otherwise =
      node.default === undefined
        ? schema.required?.includes(name) === true
          ? '**required**'
          : ''
        : shown(node.default);
    return `| ${given} | ${otherwise} | ${(node.description ?? '').replaceAll('|', '\\|')} |`;
  });
  const [first, ...others] = formats.map((format) => `\`${format}\``);
  const chosen = others.length === 0 ? `Format: ${first}.` : `Formats: ${first}, or ${others.join(', ')}.`;
  const proof =
    typeof copy === 'string'
      ? `To [prove](event-proof.md) its copy: ${copy}`
      : 'To [prove](event-proof.md) its copy: `countersign events verify --sink NAME`.';
  const choice = `${chosen}\n\n${proof}`;
  if (rows.length === 0) return `${chosen} It has no settings.\n\n${proof}`;
  return [choice, '', '| Setting | Otherwise | Meaning |', '|---|---|---|', ...rows].join('\n');
}

function membersOf(schema: Node): Readonly<Record<string, Node>> {
  const forms = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return Object.assign({}, schema.properties, ...forms.map(membersOf));
}

function shown(value: unknown): string {
  return value === '' ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
