import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../../protocol/canonical-json.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { type SchemaNode, schemaAt, schemaProperties, typesOf } from './settings-schema.ts';
import type { SinkKindAnswer } from './sink-answers.ts';

export interface SettingOptions {
  /** `name=value` */
  readonly set?: readonly string[];
  /** `name=path` */
  readonly setFile?: readonly string[];
  /** `name`, `name=env:VARIABLE`, `name=file:PATH` */
  readonly secret?: readonly string[];
  /** `name` */
  readonly unset?: readonly string[];
}

/** Settings as the API takes them; null takes one away. */
export type Settings = { [name: string]: Json };

/**
 * The settings that a command line gives, in the types that the kind of sink wants: text becomes a number or a truth
 * value where the schema says so, a list is the same name several times, and `headers.x-team=soc` reaches into an
 * object. Whether they are right as a whole is for the bridge to say.
 */
export async function sinkSettings(
  terminal: Terminal,
  kind: SinkKindAnswer,
  options: SettingOptions,
): Promise<Settings> {
  const settings: Settings = {};
  for (const each of options.set ?? []) {
    const { name, value } = assignment(each, '--set');
    if (isSecret(kind, name)) throw new UsageError(`${name} is a secret: use --secret ${name} instead.`);
    put(settings, kind, name, value);
  }
  for (const each of options.setFile ?? []) {
    const { name, value } = assignment(each, '--set-file');
    put(settings, kind, name, readText(value));
  }
  for (const each of options.secret ?? []) {
    const [name = '', source] = splitOnce(each);
    put(settings, kind, name, await secretFrom(terminal, name, source));
  }
  for (const name of options.unset ?? []) {
    assertKnown(kind, name);
    settings[name] = null;
  }
  return settings;
}

/** Says what cannot be left out, before anything is sent. */
export function assertComplete(kind: SinkKindAnswer, settings: Settings): void {
  const missing = (kind.settings.required ?? []).filter((name) => !(name in settings));
  if (missing.length === 0) return;
  const options = missing.map((name) =>
    isSecret(kind, name) ? `--secret ${name}` : `--set ${name}=${name.toUpperCase()}`,
  );
  throw new UsageError(`${kind.kind} needs ${options.join(' ')}. ${seeKind(kind)}`);
}

/** Says which secrets must be given anew, before anything is sent: the bridge sends none that it keeps to another place. */
export function assertSecretsGiven(
  kind: SinkKindAnswer,
  current: Readonly<Record<string, Json>>,
  settings: Settings,
): void {
  const moved = kind.destinations.find(
    (name) => name in settings && !isDeepStrictEqual(settings[name] ?? undefined, current[name]),
  );
  const kept = kind.secrets.filter((name) => name in current && !(name in settings));
  if (moved === undefined || kept.length === 0) return;
  const options = kept.map((name) => `--secret ${name}`).join(' ');
  throw new UsageError(
    `Another ${moved} takes the secrets elsewhere: give them anew with ${options}, or take them away with --unset.`,
  );
}

function put(settings: Settings, kind: SinkKindAnswer, path: string, text: string): void {
  assertKnown(kind, path);
  const [name = '', rest] = splitOnce(path, '.');
  const schema = schemaAt(kind.settings, name);
  if (rest !== undefined) {
    const inner = settings[name] ?? {};
    if (!isObject(inner)) throw new UsageError(`${name} has no parts: ${path} cannot be set.`);
    settings[name] = { ...inner, [rest]: typed(schemaAt(schema ?? {}, rest), text) };
    return;
  }
  if (schema !== undefined && typesOf(schema).has('array')) {
    const before = settings[name];
    settings[name] = [...(Array.isArray(before) ? before : []), typed(schema.items ?? {}, text)];
    return;
  }
  if (name in settings) throw new UsageError(`${name} is given twice.`);
  settings[name] = typed(schema, text);
}

function typed(schema: SchemaNode | undefined, text: string): Json {
  const types = schema === undefined ? new Set<string>() : typesOf(schema);
  if ((types.has('number') || types.has('integer')) && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (types.has('object') && text.startsWith('{')) return parsedObject(text);
  return text;
}

function parsedObject(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError('A value that begins with { must be JSON.');
  }
}

function assertKnown(kind: SinkKindAnswer, path: string): void {
  const [name = ''] = splitOnce(path, '.');
  const names = Object.keys(schemaProperties(kind.settings));
  if (names.includes(name)) return;
  throw new UsageError(`${kind.kind} has no setting “${name}”, but ${names.join(', ')}. ${seeKind(kind)}`);
}

function isSecret(kind: SinkKindAnswer, path: string): boolean {
  return kind.secrets.some((secret) => path === secret || path.startsWith(`${secret}.`));
}

const seeKind = ({ kind }: SinkKindAnswer) => `See \`countersign sink kinds ${kind}\`.`;

/** Never an argument: every user of a machine sees the arguments of all processes. */
async function secretFrom(terminal: Terminal, name: string, source: string | undefined): Promise<string> {
  if (source === undefined) {
    const typed = await terminal.askSecret(`${name}: `);
    if (typed === '') throw new UsageError(`${name} is empty.`);
    return typed;
  }
  if (source.startsWith('file:')) return readText(source.slice('file:'.length)).trim();
  if (source.startsWith('env:')) {
    const variable = source.slice('env:'.length);
    const value = terminal.env[variable];
    if (value === undefined || value === '') throw new UsageError(`The variable ${variable} is not set.`);
    return value;
  }
  // What stands there may be the secret itself: it is not repeated.
  throw new UsageError(
    `Say where ${name} is found: ${name}=env:VARIABLE, ${name}=file:PATH, or ${name} alone to be asked for it.`,
  );
}

function assignment(text: string, option: string): { name: string; value: string } {
  const [name = '', value] = splitOnce(text);
  if (value === undefined || name === '') throw new UsageError(`${option} takes name=value.`);
  return { name, value };
}

/** The part before the first separator, and the rest, if there is one. */
function splitOnce(text: string, separator = '='): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`${file} cannot be read.`);
  }
}
