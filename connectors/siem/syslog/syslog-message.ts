import type { Formatter } from '../formats/formatter.ts';
import type { SinkEvent } from '../sink.ts';
import { shortenedVersions } from './shortened-event.ts';
import { type StructuredDataScope, structuredData } from './structured-data.ts';
import { syslogSeverity } from './syslog-severity.ts';

export interface SyslogMessageOptions {
  readonly formatter: Formatter;
  /** Where events come from: an entity id. */
  readonly iss: string;
  /** 0 to 23, RFC 5424 section 6.2.1. */
  readonly facility: number;
  /** `full` is in the place of the formatted message, `brief` and `none` stand before it. */
  readonly structuredData: StructuredDataScope | 'none';
  /** Whether the message begins with the byte order mark by which RFC 5424 section 6.4 tells UTF-8. */
  readonly byteOrderMark: boolean;
  /** Octets, without the count. What does not fit is cut, and says so. */
  readonly maxBytes: number;
}

const APP_NAME = 'countersign';
const HOSTNAME_LENGTH = 255;
const MESSAGE_ID_LENGTH = 32;

/**
 * Makes of an event one frame: a message of RFC 5424 with its length before it (RFC 5425 section 4.3, RFC 6587
 * section 3.4.1), so that nothing in the message can end it.
 */
export function createSyslogFrames(options: SyslogMessageOptions): (event: SinkEvent) => Buffer {
  const host = hostName(options.iss);

  function header(event: SinkEvent): string {
    const priority = options.facility * 8 + syslogSeverity(event);
    return `<${priority}>1 ${event.time} ${host} ${APP_NAME} - ${messageId(event.type)}`;
  }

  function message(event: SinkEvent, truncated: boolean, formatter = options.formatter): string {
    const scope = options.structuredData;
    const element = scope === 'none' ? '-' : structuredData(event, scope, truncated);
    if (scope === 'full') return `${header(event)} ${element}`;
    const mark = options.byteOrderMark ? '\ufeff' : '';
    return `${header(event)} ${element} ${mark}${formatter.format(event)}`;
  }

  /** Whole, or else cut as little as it takes. */
  function fitting(event: SinkEvent): string {
    const fits = (text: string) => Buffer.byteLength(text) <= options.maxBytes;
    const whole = message(event, false);
    if (fits(whole)) return whole;
    // an original that is cut proves nothing, and the rest has more room without it
    const { formatter } = options;
    const brief = formatter.withoutOriginal;
    for (const shortened of [...(brief === undefined ? [] : [event]), ...shortenedVersions(event)]) {
      const cut = message(shortened, true, brief ?? formatter);
      if (fits(cut)) return cut;
    }
    // Where a format has much to say about little, that it happened is still told.
    const bare = { ...event, actor: { kind: event.actor.kind }, subject: {} };
    return `${header(event)} ${structuredData(bare, 'brief', true)}`;
  }

  return (event) => framed(fitting(event));
}

/** In one piece from Node's pool: at tens of thousands a second, what is made in between is what costs. */
function framed(message: string): Buffer {
  const length = Buffer.byteLength(message);
  const count = `${length} `;
  const frame = Buffer.allocUnsafe(count.length + length);
  frame.write(message, frame.write(count, 'latin1'));
  return frame;
}

function hostName(iss: string): string {
  const host = URL.canParse(iss) ? new URL(iss).hostname.replace(/^\[|\]$/g, '') : '';
  return printable(host).slice(0, HOSTNAME_LENGTH) || '-';
}

/** The type of the event, by which receivers route. */
function messageId(type: string): string {
  return printable(type).slice(0, MESSAGE_ID_LENGTH) || '-';
}

/** PRINTUSASCII of RFC 5424 section 6. */
function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '_');
}
