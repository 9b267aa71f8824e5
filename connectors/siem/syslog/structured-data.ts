import type { Json } from '../../../protocol/canonical-json.ts';
import type { SinkEvent } from '../sink.ts';

/**
 * `brief`: what events are found and told apart by. `full`: everything that an event has, so that nothing else is
 * needed.
 */
export type StructuredDataScope = 'brief' | 'full';

/**
 * Our element. 32473 is the enterprise number that RFC 5612 reserves for documentation: names under it are nobody's,
 * so they may meet those of others who have no number of their own.
 */
const SD_ID = 'countersign@32473';

/** RFC 5424 section 6.3.3. */
const NAME_LENGTH = 32;

/** One SD-ELEMENT (RFC 5424 section 6.3), of which all values are escaped. */
export function structuredData(event: SinkEvent, scope: StructuredDataScope, truncated: boolean): string {
  const members = {
    ...{ seq: event.seq, event_id: event.event_id, type: event.type, outcome: event.outcome },
    ...{ code: event.code, actor: event.actor, subject: event.subject },
    ...{ request_id: event.request_id, trace_id: event.trace_id, replay: event.replay },
    ...(scope === 'full' ? { data: event.data, prev: event.prev, hash: event.hash } : {}),
    ...(truncated ? { truncated } : {}),
  };
  const params = Object.entries(members).flatMap(([name, value]) => paramsOf(name, value));
  return `[${SD_ID}${params.join('')}]`;
}

type Member = Json | { readonly [name: string]: Json | undefined } | undefined;

/** The members of an object under names of their own; a list as one parameter for each item, which the RFC allows. */
function paramsOf(name: string, value: Member): string[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item) => paramsOf(name, item));
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([member, item]) => paramsOf(`${name}_${member}`, item));
  }
  return [` ${paramName(name)}="${escaped(String(value))}"`];
}

function paramName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, NAME_LENGTH);
}

/**
 * Control characters and line ends become visible (`\u000a`): the RFC allows them, but receivers write lines. The
 * three characters that end a value are escaped as the RFC has it.
 */
function escaped(value: string): string {
  return value
    .toWellFormed()
    .replace(
      /[\p{Cc}\p{Zl}\p{Zp}]/gu,
      (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    .replace(/["\\\]]/g, (end) => `\\${end}`);
}
