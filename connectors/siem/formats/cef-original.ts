import { isCountersignError } from '../../../protocol/errors.ts';
import type { CarriedOriginal } from '../../../protocol/events/copied-line.ts';
import type { SinkEvent } from '../sink-event.ts';
import { SD_ID, structuredData } from '../syslog/structured-data.ts';
import { createSyslogFrames } from '../syslog/syslog-message.ts';
import { createFormatter } from './create-formatter.ts';
import type { EventOrigin } from './formatter.ts';

const CEF = 'CEF:0|';
/** The fields of the header up to the severity; in them `|` and `\` are escaped. */
const CEF_HEADER = /^CEF:0((?:\|(?:[^|\\]|\\.)*){6})\|/;
/** A key of an extension: in values `=` is escaped. */
const CEF_KEY = /(?:^|\s)([\w.]+)=/g;

const ELEMENT = `[${SD_ID}`;
/** Our element as RFC 5424 section 6.3 has it, and what ends it before the message. */
const BEFORE_MESSAGE = /(\[[^\s="\]]+(?: [\w.-]{1,32}="(?:[^"\\\]]|\\.)*")*\]) \ufeff?(?=CEF:0\|)/y;
/** Priority and version: section 6.2. */
const PRIORITY = /^<(\d{1,2}|1[0-8]\d|19[01])>1 /;
const LENGTH = /^\d+ /;

/** A CEF message behind whatever a transport put before it. */
interface Placed {
  readonly before: string;
  readonly message: string;
  /** Our structured data before it; `undefined` where there is none. */
  readonly element?: string | undefined;
}

/**
 * The original in a line of CEF, with the host that the line names. `undefined` where it carries none, or one of which
 * two could be meant. It is faithful where message, header of syslog and structured data are what this version makes
 * of the original.
 */
export function originalInCef(line: string): CarriedOriginal | undefined {
  const placed = placeMessage(line);
  const [whole, header = ''] = CEF_HEADER.exec(placed?.message ?? '') ?? [];
  if (placed === undefined || whole === undefined) return undefined;
  const fields = cefFields(placed.message.slice(whole.length));
  const [event, host] = [fields.get('rawEvent'), fields.get('dvchost')];
  if (event === undefined) return undefined;
  const version = /^(?:\|(?:[^|\\]|\\.)*){2}\|((?:[^|\\]|\\.)*)/.exec(header)?.[1] ?? '';
  const origin = { iss: `https://${host ?? ''}`, organization: '', version: unescaped(version) };
  const made = remade(placed, event, origin);
  // another message in it: readers that begin at the first one would show what nobody checked
  if (placed.element?.includes(CEF) === true && made?.element !== placed.element) return undefined;
  return { event, host, faithful: made?.line === line };
}

/** The values of our structured data may say anything, the beginning of a message too: they end where their quotes do. */
function placeMessage(line: string): Placed | undefined {
  const first = line.indexOf(CEF);
  if (first < 0) return undefined;
  const at = line.indexOf(ELEMENT);
  BEFORE_MESSAGE.lastIndex = Math.max(0, at);
  const found = at >= 0 && at < first ? BEFORE_MESSAGE.exec(line) : null;
  const start = found === null ? first : found.index + found[0].length;
  return { before: line.slice(0, start), message: line.slice(start), element: found?.[1] };
}

interface Remade {
  readonly element: string;
  /** `undefined` behind what is no header of ours. */
  readonly line?: string;
}

/** What the bridge makes of the original: our structured data, and all of the line. */
function remade({ before, element }: Placed, json: string, origin: EventOrigin): Remade | undefined {
  try {
    const event = JSON.parse(json) as SinkEvent;
    const formatter = createFormatter('cef', origin, true);
    const made = { line: formatter.format(event), element: structuredData(event, 'brief', false) };
    const priority = PRIORITY.exec(before)?.[1];
    if (priority === undefined) return before === '' ? made : { element: made.element };
    const frame = createSyslogFrames({
      ...{ formatter, iss: origin.iss, facility: Math.floor(Number(priority) / 8) },
      structuredData: element === undefined ? 'none' : 'brief',
      byteOrderMark: before.endsWith('\ufeff'),
      maxBytes: Number.POSITIVE_INFINITY,
    });
    return { ...made, line: frame(event).toString().replace(LENGTH, '') };
  } catch (error) {
    if (isOfNoEvent(error)) return undefined;
    throw error;
  }
}

/** It is no event, or not one that formats know: what it is, is for others to say. */
export function isOfNoEvent(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof TypeError || isCountersignError(error);
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
