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
export const SD_ID = 'countersign@32473';

/** RFC 5424 section 6.3.3. */
const NAME_LENGTH = 32;

/** What most names and values are: nothing in these is cut or escaped. */
const ORDINARY_NAME = /^[A-Za-z0-9_.-]{1,32}$/;
const ORDINARY_VALUE = /^[\x20\x21\x23-\x5b\x5e-\x7e]*$/;

/** One SD-ELEMENT (RFC 5424 section 6.3), of which all values are escaped. */
export function structuredData(event: SinkEvent, scope: StructuredDataScope, truncated: boolean): string {
  let params = paramsOf('seq', event.seq);
  params += paramsOf('event_id', event.event_id);
  params += paramsOf('type', event.type);
  params += paramsOf('outcome', event.outcome);
  params += paramsOf('code', event.code);
  params += paramsOf('actor', event.actor);
  params += paramsOf('subject', event.subject);
  params += paramsOf('request_id', event.request_id);
  params += paramsOf('trace_id', event.trace_id);
  params += paramsOf('replay', event.replay);
  if (scope === 'full') {
    params += paramsOf('data', event.data);
    params += paramsOf('salt', event.salt);
    params += paramsOf('prev', event.prev);
    params += paramsOf('hash', event.hash);
  }
  if (truncated) params += paramsOf('truncated', true);
  return `[${SD_ID}${params}]`;
}

type Member = Json | { readonly [name: string]: Json | undefined } | undefined;

/** The members of an object under names of their own; a list as one parameter for each item, which the RFC allows. */
function paramsOf(name: string, value: Member): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return ` ${paramName(name)}="${escaped(String(value))}"`;
  let params = '';
  if (Array.isArray(value)) {
    for (const item of value) params += paramsOf(name, item);
    return params;
  }
  for (const [member, item] of Object.entries(value)) params += paramsOf(`${name}_${member}`, item);
  return params;
}

function paramName(name: string): string {
  if (ORDINARY_NAME.test(name)) return name;
  return name.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, NAME_LENGTH);
}

/**
 * Control characters and line ends become visible (`\u000a`): the RFC allows them, but receivers write lines. The
 * three characters that end a value are escaped as the RFC has it.
 */
function escaped(value: string): string {
  if (ORDINARY_VALUE.test(value)) return value;
  return value
    .toWellFormed()
    .replace(
      /[\p{Cc}\p{Zl}\p{Zp}]/gu,
      (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    .replace(/["\\\]]/g, (end) => `\\${end}`);
}
