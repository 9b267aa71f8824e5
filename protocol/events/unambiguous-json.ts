import { CountersignError } from '../errors.ts';

/** What stands in JSON between blanks: a text, or what opens, closes or separates. Numbers and words matter not. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/**
 * The value of a line that all readers read alike. Throws `event_export` for what is no JSON, names a member twice
 * (each reader shows another one of them), or has a member `__proto__`, which readers lose.
 */
export function parseUnambiguousJson(line: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new CountersignError('event_export', 'it is no JSON', { cause });
  }
  const open: Set<string>[] = [];
  let text = '';
  for (const [token] of line.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') nameOnce(open.at(-1), text.includes('\\') ? JSON.parse(text) : text.slice(1, -1));
    else text = token;
  }
  return value;
}

function nameOnce(names: Set<string> | undefined, name: string): void {
  if (name === '__proto__' || names?.has(name) === true) {
    throw new CountersignError('event_export', 'a member of it is ambiguous');
  }
  names?.add(name);
}
