import { canonicalJson, type Json } from '../../../protocol/canonical-json.ts';
import type { CarriedOriginal } from '../../../protocol/events/copied-line.ts';
import type { SinkEvent } from '../sink-event.ts';
import { isOfNoEvent, originalInCef } from './cef-original.ts';
import { createFormatter } from './create-formatter.ts';
import type { EventOrigin, FormatName } from './formatter.ts';

/** The original that stands in a line, and who the line says that made it. */
interface Found {
  readonly format: FormatName;
  readonly event: string;
  readonly origin: EventOrigin;
  readonly source: string;
}

type Members = { readonly [name: string]: unknown };

/**
 * The original in a line of OCSF, ECS or CEF that carries one, and whether all else in the line is what this version
 * makes of it. What the origin is, the line itself says: the entity id is answered to be checked, the name of the
 * organization and the version of the bridge are nothing that is proven.
 */
export function originalIn(line: string): CarriedOriginal | undefined {
  if (!line.startsWith('{')) return originalInCef(line);
  const found = inJson(line);
  if (found === undefined) return undefined;
  return { event: found.event, source: found.source, faithful: isFaithful(line, found) };
}

function isFaithful(line: string, { format, event, origin }: Found): boolean {
  try {
    const made = createFormatter(format, origin, true).format(JSON.parse(event) as SinkEvent);
    return canonicalJson(JSON.parse(made) as Json) === canonicalJson(JSON.parse(line) as Json);
  } catch (error) {
    if (isOfNoEvent(error)) return false;
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
