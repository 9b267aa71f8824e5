import { isIPv4 } from 'node:net';
import type { SinkEvent } from '../sink-event.ts';
import { extensionValue } from './cef-text.ts';
import { actorId, actorIp, memberText } from './event-members.ts';
import type { EventOrigin } from './formatter.ts';
import { jsonLine } from './json-line.ts';

/** How long CEF’s dictionary lets the values of custom texts be, and all others, in characters. */
const CUSTOM_TEXT = 4_000;
const TEXT = 1_023;
const CUT = '… (cut)';

/** The words that CEF has for what a user may do. */
const PRIVILEGES: Readonly<Record<string, string>> = { administrator: 'Administrator', person: 'User' };

type Value = string | number | undefined;

/** The fields behind the header, those that have no value left out. Keys are those of CEF’s dictionary. */
export function extensionOf(event: SinkEvent, origin: EventOrigin): string {
  return Object.entries({ ...common(event, origin), ...people(event), ...custom(event) })
    .flatMap(([key, value]) => (value === undefined || value === '' ? [] : [pair(key, value)]))
    .join(' ');
}

function pair(key: string, value: string | number): string {
  return `${key}=${extensionValue(cut(String(value), /^cs\d$/.test(key) ? CUSTOM_TEXT : TEXT))}`;
}

function common(event: SinkEvent, { iss }: EventOrigin): Record<string, Value> {
  return {
    rt: Date.parse(event.time),
    externalId: event.event_id,
    dvchost: hostOf(iss),
    cat: event.type.split('.')[0],
    act: event.type,
    outcome: event.outcome,
    reason: event.code ?? undefined,
  };
}

function people(event: SinkEvent): Record<string, Value> {
  return {
    ...source(actorIp(event)),
    suid: actorId(event),
    suser: event.actor.name,
    spriv: PRIVILEGES[event.actor.kind],
    duid: event.subject.sub,
    duser: event.subject.address,
    ...method(event),
  };
}

/** `src` takes IPv4 addresses alone. */
function source(ip: string | undefined): Record<string, Value> {
  if (ip === undefined || isIPv4(ip)) return { src: ip };
  return { c6a2Label: 'Source IPv6 Address', c6a2: ip };
}

function method(event: SinkEvent): Record<string, Value> {
  if (event.type !== 'request.refused') return {};
  return { requestMethod: memberText(event, 'data.method'), request: memberText(event, 'data.route') };
}

function custom(event: SinkEvent): Record<string, Value> {
  return {
    ...labelled('cn1', 'seq', event.seq),
    ...labelled('cs1', 'data', json(event.data)),
    ...labelled('cs2', 'subject', json(event.subject)),
    ...labelled('cs3', 'hash', event.hash),
    ...labelled('cs4', 'prev', event.prev),
    ...labelled('cs5', 'request_id', event.request_id),
    ...labelled('cs6', 'trace_id', event.trace_id),
    ...labelled('flexString1', 'replay', event.replay),
    ...labelled('flexString2', 'redaction', event.redaction),
  };
}

/** A custom field says by its label what it holds. */
function labelled(key: string, label: string, value: Value | null): Record<string, Value> {
  return value === undefined || value === null ? {} : { [`${key}Label`]: label, [key]: value };
}

function json(members: object): string | undefined {
  return Object.keys(members).length === 0 ? undefined : jsonLine(members);
}

/** What is cut says so. */
function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - CUT.length)}${CUT}`;
}

function hostOf(iss: string): string {
  return URL.canParse(iss) ? new URL(iss).hostname : iss;
}
