type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };

/** A body that must be refused, and what is wrong with it. */
export interface FaultyBody {
  readonly fault: string;
  readonly text: string;
}

/** No bodies of any JSON endpoint. */
const OUTRIGHT: readonly FaultyBody[] = [
  ['nothing', ''],
  ['half an object', '{'],
  ['null', 'null'],
  ['a list', '[]'],
  ['a text', '"text"'],
  ['two values', '{}{}'],
  ['bytes that are not UTF-8', '\udc00'],
].map(([fault = '', text = '']) => ({ fault, text }));

/** What the API's document says of a body. */
interface BodySchema {
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Characters. Proofs of the log are longer than any other text. */
function tooLong(name: string): number {
  return name.endsWith('log_proof') ? 40_000 : 20_000;
}

function isNullable(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null || !('anyOf' in schema)) return false;
  return JSON.stringify(schema.anyOf).includes('{"type":"null"}');
}

/** Everything that is wrong one at a time with a body that is right: each member's type, members too many or too few. */
export function faultyBodies(
  right: JsonObject,
  { required = [], properties = {} }: BodySchema,
): FaultyBody[] {
  const faults: FaultyBody[] = [...OUTRIGHT];
  const add = (fault: string, body: Json) => faults.push({ fault, text: JSON.stringify(body) });
  for (const path of pathsIn(right)) {
    const name = path.join('.');
    const value = valueAt(right, path);
    add(`${name} of another type`, replaced(right, path, otherType(value)));
    if (!isNullable(properties[name])) add(`${name} null`, replaced(right, path, null));
    if (typeof value === 'string') add(`${name} too long`, replaced(right, path, 'A'.repeat(tooLong(name))));
    if (typeof value === 'string') add(`${name} empty`, replaced(right, path, ''));
    if (isObject(value)) add(`${name} with an unknown member`, replaced(right, path, { ...value, x: 1 }));
  }
  for (const name of required) {
    const { [name]: _left, ...rest } = right;
    add(`without ${name}`, rest);
  }
  add('with an unknown member', { ...right, unknown: 1 });
  return faults;
}

function pathsIn(value: Json, path: readonly string[] = []): string[][] {
  const below = isObject(value)
    ? Object.entries(value).flatMap(([name, member]) => pathsIn(member, [...path, name]))
    : [];
  return path.length === 0 ? below : [[...path], ...below];
}

function valueAt(value: Json, path: readonly string[]): Json {
  return path.reduce((at, name) => (isObject(at) ? (at[name] ?? null) : null), value);
}

function replaced(value: Json, [name, ...rest]: readonly string[], by: Json): Json {
  if (name === undefined || !isObject(value)) return by;
  return { ...value, [name]: replaced(value[name] ?? null, rest, by) };
}

function otherType(value: Json): Json {
  if (typeof value === 'string') return 7;
  return isObject(value) || Array.isArray(value) ? 'text' : [];
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
