import { stringify } from 'yaml';
import * as z from 'zod';
import { configSchema } from './schema.ts';

/** What the example needs of a JSON Schema node. */
interface Node {
  description?: string;
  properties?: Record<string, Node>;
  required?: string[];
  oneOf?: Node[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  /** Optional, but written as if it were not. */
  shown?: boolean;
}

const WIDTH = 100;
const HEAD = [
  'Countersign: an annotated example with every key.',
  'A line that is commented out is optional; its value is an example. Other values are the defaults, or must be given',
  'where marked REQUIRED. Identity providers, domains, partner companies and client apps are not configured here: they',
  'are records, administered with the countersign command or the admin API. Check a file with: countersign config check',
];

/** The annotated example file, written from the schema alone. */
export function renderExampleConfig(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as Node;
  const head = HEAD.map((line) => `# ${line}`);
  return [...head, ...renderObject(schema, 0), ''].join('\n');
}

function renderObject(node: Node, depth: number): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const required = node.required?.includes(key) === true && child.const === undefined;
    return [...(depth === 0 ? [''] : []), ...renderKey(key, child, required, depth)];
  });
}

function renderKey(key: string, node: Node, required: boolean, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const [inner, ...others] =
    node.properties === undefined ? (node.oneOf ?? []).filter((one) => one.properties) : [node];
  const [example] = node.examples ?? [];
  const isLeaf = inner === undefined || example !== undefined;
  const note = isLeaf && required ? 'REQUIRED. ' : '';
  const comment = wrap(note + (node.description ?? ''), WIDTH - indent.length).map(
    (line) => `${indent}# ${line}`,
  );

  if (!isLeaf) {
    const alternatives = others.flatMap((other) => renderAlternative(other, depth + 1));
    return [...comment, `${indent}${key}:`, ...renderObject(inner, depth + 1), ...alternatives];
  }
  if (required || node.shown === true) return [...comment, ...renderValue(key, example, indent)];
  const hint = example === undefined ? [] : renderValue(key, example, `${indent}# `);
  const value = node.const ?? node.default;
  return [...comment, ...hint, ...(value === undefined ? [] : renderValue(key, value, indent))];
}

/** Another driver's keys, with a mark of their own: only all of them together can be uncommented. */
function renderAlternative(node: Node, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const lines = renderObject(node, depth).map((line) => `${indent}#: ${line.slice(indent.length)}`);
  return [`${indent}# Or, in place of the lines above, these without '#: ':`, ...lines];
}

/** Lists and secret references on one line, other objects as blocks. */
function renderValue(key: string, value: unknown, indent: string): string[] {
  const flow = Array.isArray(value) || z.object({ env: z.string() }).safeParse(value).success;
  const text = flow
    ? `${key}: ${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}`
    : stringify({ [key]: value }, { lineWidth: 0 }).trim();
  return text.split('\n').map((line) => indent + line);
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const current = lines.at(-1) ?? '';
    if (current !== '' && current.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = current === '' ? word : `${current} ${word}`;
  }
  return lines;
}
