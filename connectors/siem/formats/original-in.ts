import { canonicalJson, type Json } from '../../../protocol/canonical-json.ts';
import { isCountersignError } from '../../../protocol/errors.ts';
import type { CarriedOriginal } from '../../../protocol/events/copied-line.ts';
import type { SinkEvent } from '../sink-event.ts';
import { createFormatter } from './create-formatter.ts';
import type { EventOrigin, FormatName } from './formatter.ts';

/** The original that stands in a line, and who the line says that made it. */
interface Found {
  readonly format: FormatName;
  readonly event: string;
  readonly origin: EventOrigin;
  readonly source?: string | undefined;
}

type Members = { readonly [name: string]: unknown };

const CEF = 'CEF:0|';
/** The fields of the header up to the severity; in them `|` and `\` are escaped. */
const CEF_HEADER = /^CEF:0((?:\|(?:[^|\\]|\\.)*){6})\|/;
/** A key of an extension: in values `=` is escaped. */
const CEF_KEY = /(?:^|\s)([\w.]+)=/g;

/**
 * The original in a line of OCSF, ECS or CEF that carries one, and whether all else in the line is what this version
 * makes of it. What the origin is, the line itself says: the entity id is answered to be checked, the name of the
 * organization and the version of the bridge are nothing that is proven.
 */
export function originalIn(line: string): CarriedOriginal | undefined {
  const found = line.startsWith('{') ? inJson(line) : inCef(line);
  if (found === undefined) return undefined;
  return { event: found.event, source: found.source, faithful: isFaithful(line, found) };
}

function isFaithful(line: string, { format, event, origin }: Found): boolean {
  try {
    const made = createFormatter(format, origin, true).format(JSON.parse(event) as SinkEvent);
    if (format === 'cef') return made === line;
    return canonicalJson(JSON.parse(made) as Json) === canonicalJson(JSON.parse(line) as Json);
  } catch (error) {
    // no event, or not one that formats know: what it is, is for others to say
    if (error instanceof SyntaxError || error instanceof TypeError || isCountersignError(error)) return false;
    throw error;
  }
}

function inJson(line: string): Found | undefined {
  if (!line.includes('"raw_data":') && !line.includes('"original":')) return undefined;
  const value = membersOf(line);
  return value === undefined ? undefined : (inOcsf(value) ?? inEcs(value));
}

function inOcsf({ class_uid: uid, raw_data: event, metadata }: Members): Found | undefined {
  if (typeof uid !== 'number' || typeof event !== 'string' || !isMembers(metadata)) return undefined;
  const { log_source: source, tenant_uid: organization, product } = metadata;
  const version = isMembers(product) ? product.version : undefined;
  return found('ocsf', event, source, organization, version);
}

function inEcs({ ecs, event, service, organization }: Members): Found | undefined {
  if (!isMembers(ecs) || !isMembers(event) || typeof event.original !== 'string') return undefined;
  const { id, version } = isMembers(service) ? service : {};
  return found('ecs', event.original, id, isMembers(organization) ? organization.name : undefined, version);
}

function found(
  format: FormatName,
  event: string,
  iss: unknown,
  organization: unknown,
  version: unknown,
): Found {
  const source = text(iss);
  return {
    format,
    event,
    source,
    origin: { iss: source, organization: text(organization), version: text(version) },
  };
}

/** Behind whatever a transport put before it; one of which two could be meant carries none. */
function inCef(line: string): Found | undefined {
  const start = line.indexOf(CEF);
  if (start < 0) return undefined;
  const [whole, header = ''] = CEF_HEADER.exec(line.slice(start)) ?? [];
  if (whole === undefined) return undefined;
  const fields = cefFields(line.slice(start + whole.length));
  const event = fields.get('rawEvent');
  if (event === undefined) return undefined;
  const version = /^(?:\|(?:[^|\\]|\\.)*){2}\|((?:[^|\\]|\\.)*)/.exec(header)?.[1] ?? '';
  const origin = {
    iss: `https://${fields.get('dvchost') ?? ''}`,
    organization: '',
    version: unescaped(version),
  };
  return { format: 'cef', event, origin };
}

function cefFields(extension: string): Map<string, string> {
  const keys = [...extension.matchAll(CEF_KEY)];
  const fields = new Map<string, string>();
  for (const [index, { 0: whole, 1: key = '', index: at }] of keys.entries()) {
    const value = extension.slice(at + whole.length, keys[index + 1]?.index);
    if (fields.has(key)) return new Map();
    fields.set(key, unescaped(value));
  }
  return fields;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => ({ n: '\n', r: '\r' })[char] ?? char);
}

function membersOf(line: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isMembers(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
