import { isIPv4 } from 'node:net';
import type { SinkEvent } from '../sink-event.ts';
import { extensionValue } from './cef-text.ts';
import { actorId, actorIp, firstMemberText, memberText } from './event-members.ts';
import { jsonLine } from './json-line.ts';

/** How long CEF’s dictionary lets the values of custom texts be, and all others, in characters. */
const CUSTOM_TEXT = 4_000;
const TEXT = 1_023;
const CUT = '… (cut)';

/** The words that CEF has for what a user may do. */
const PRIVILEGES: Readonly<Record<string, string>> = { administrator: 'Administrator', person: 'User' };

type Value = string | number | null | undefined;
type Field = readonly [key: string, value: Value];

/**
 * The fields behind the header, those that have no value left out. Keys are those of CEF’s dictionary.
 *
 * @param original - with the event as it is, never cut: what is cut proves nothing
 */
export function extensionOf(event: SinkEvent, host: string, original: boolean): string {
  const plain = [...common(event, host), ...people(event), ...method(event)].flatMap(([key, value]) =>
    isThere(value) ? [pair(key, value, TEXT)] : [],
  );
  const raw = original ? [`rawEvent=${extensionValue(jsonLine(event))}`] : [];
  return [...plain, ...custom(event), ...raw].join(' ');
}

function isThere(value: Value): value is string | number {
  return value !== undefined && value !== null && value !== '';
}

function pair(key: string, value: string | number, max: number): string {
  return `${key}=${extensionValue(cut(String(value), max))}`;
}

function common(event: SinkEvent, host: string): Field[] {
  return [
    ['rt', Date.parse(event.time)],
    ['externalId', event.event_id],
    ['dvchost', host],
    ['cat', event.type.split('.')[0]],
    ['act', event.type],
    ['outcome', event.outcome],
    ['reason', event.code],
  ];
}

function people(event: SinkEvent): Field[] {
  const { actor, subject } = event;
  return [
    ...source(actorIp(event)),
    ['suid', actorId(event)],
    ['suser', actor.name],
    ['spriv', PRIVILEGES[actor.kind]],
    ['duid', subject.sub],
    ['duser', subject.address],
  ];
}

/** `src` takes IPv4 addresses alone. */
function source(ip: string | undefined): Field[] {
  if (ip === undefined || isIPv4(ip)) return [['src', ip]];
  return [
    ['c6a2Label', 'Source IPv6 Address'],
    ['c6a2', ip],
  ];
}

function method(event: SinkEvent): Field[] {
  if (event.type !== 'request.refused') return [];
  return [
    ['requestMethod', memberText(event, 'data.method')],
    ['request', firstMemberText(event, ['data.path', 'data.route'])],
  ];
}

function custom(event: SinkEvent): string[] {
  return [
    ...labelled('cn1', 'seq', event.seq, TEXT),
    ...labelled('cs1', 'data', json(event.data), CUSTOM_TEXT),
    ...labelled('cs2', 'subject', json(event.subject), CUSTOM_TEXT),
    ...labelled('cs3', 'hash', event.hash, CUSTOM_TEXT),
    ...labelled('cs4', 'prev', event.prev, CUSTOM_TEXT),
    ...labelled('cs5', 'request_id', event.request_id, CUSTOM_TEXT),
    ...labelled('cs6', 'trace_id', event.trace_id, CUSTOM_TEXT),
    ...labelled('flexString1', 'replay', event.replay, TEXT),
    ...labelled('flexString2', 'redaction', event.redaction, TEXT),
  ];
}

/** A custom field says by its label what it holds. */
function labelled(key: string, label: string, value: Value, max: number): string[] {
  return isThere(value) ? [`${key}Label=${label}`, pair(key, value, max)] : [];
}

function json(members: object): string | undefined {
  return Object.keys(members).length === 0 ? undefined : jsonLine(members);
}

/** What is cut says so. */
function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - CUT.length)}${CUT}`;
}
