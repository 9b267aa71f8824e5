import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { EVENTS } from '../../bridge/events/catalog.ts';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { redactEvent } from '../../bridge/events/redaction.ts';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';
import ECS from '../testdata/siem/ecs-9.4.0.json' with { type: 'json' };
import { ORIGIN, sampleEvent, TYPES } from './sample-events.ts';

const FIELDS: Readonly<Record<string, string>> = ECS.fields;
const EVENT_TYPES: Readonly<Record<string, readonly string[]>> = ECS.event_types;

const formatter = createFormatter('ecs', ORIGIN);
const format = (event: SinkEvent) => JSON.parse(formatter.format(event));

/** The fields that hold a value, by their dotted names; what is ours alone is left out. */
function fieldsOf(document: object, path = ''): [string, unknown][] {
  return Object.entries(document).flatMap(([name, value]) => {
    if (path === '' && name === 'countersign') return [];
    const field = `${path}${name}`;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? fieldsOf(value, `${field}.`) : [[field, value] as [string, unknown]];
  });
}

function fits(type: string | undefined, value: unknown): boolean {
  if (type?.endsWith('[]'))
    return Array.isArray(value) && value.every((item) => fits(type.slice(0, -2), item));
  if (type === 'long') return Number.isSafeInteger(value);
  if (type === 'ip') return typeof value === 'string' && isIP(value) !== 0;
  if (type === 'date') return typeof value === 'string' && new Date(value).toISOString() === value;
  return type !== undefined && typeof value === 'string';
}

function misfits(document: object): unknown[] {
  return fieldsOf(document).filter(([field, value]) => !fits(FIELDS[field], value));
}

/** What Elasticsearch would make of a member: a field keeps the first that it sees. */
function mappedAs(schema: z.core.$ZodType): string {
  const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input' }));
  const kinds = ['string', 'integer', 'number', 'boolean', 'object'].filter((kind) =>
    text.includes(`"${kind}"`),
  );
  return /"(?:enum|const)"/.test(text) ? 'string' : kinds.join();
}

describe('an event as ECS', () => {
  it.each(TYPES)('has fields of the schema alone for %s, each of its type', (type) => {
    expect(misfits(format(sampleEvent(type)))).toEqual([]);
    expect(misfits(format(sampleEvent(type, { optional: false })))).toEqual([]);
    const redacted = redactEvent(sampleEvent(type) as StoredEvent, 'hmac', new Uint8Array(32));
    expect(misfits(format(redacted))).toEqual([]);
  });

  it.each(TYPES)('is of a kind and category of the schema for %s', (type) => {
    const { event } = format(sampleEvent(type));
    expect(ECS.kinds).toContain(event.kind);
    expect(ECS.outcomes).toContain(event.outcome);
    expect(EVENT_TYPES[event.category[0]]).toEqual(expect.arrayContaining(event.type));
  });

  it('gives a member of the data one type in all documents, so that none is refused for its mapping', () => {
    const seen = new Map<string, string>();
    for (const type of TYPES) {
      for (const [name, schema] of Object.entries(EVENTS[type].data.shape)) {
        const field = `${type.split('.')[0]}.${name}`;
        const kind = mappedAs(schema);
        expect([field, seen.get(field) ?? kind]).toEqual([field, kind]);
        seen.set(field, kind);
      }
    }
  });

  it('tells who acted from whom it concerns', () => {
    const actor = { kind: 'administrator', id: 'a1', name: 'Ada', address: '2001:db8::1' };
    const subject = { sub: 'p2', address: 'bob@acme.example' };
    expect(format(sampleEvent('person.closed', { changes: { actor, subject } }))).toMatchObject({
      user: { id: 'a1', name: 'Ada', target: { id: 'p2', email: 'bob@acme.example' } },
      source: { ip: '2001:db8::1' },
      related: { user: ['a1', 'Ada', 'p2', 'bob@acme.example'], ip: ['2001:db8::1'] },
    });
  });

  it('has one user where somebody acts for themselves, or signs in', () => {
    const subject = { sub: 'p1', address: 'alice@acme.example' };
    const { user } = format(sampleEvent('device.added', { changes: { subject } }));
    expect(user).toEqual({ id: 'p1', email: 'alice@acme.example' });
    const signIn = sampleEvent('sign_in.refused', { changes: { actor: { kind: 'anonymous' }, subject } });
    expect(format(signIn).user).toEqual(user);
  });

  it('puts a pseudonym where a keyword stands, and never where an IP address must', () => {
    const event = sampleEvent('look_up.answered') as StoredEvent;
    const { source } = format(redactEvent(event, 'hmac', new Uint8Array(32)));
    expect(source).toEqual({ address: expect.stringMatching(/^hmac-/) });
  });

  it('is an alert where the bridge found something', () => {
    expect(format(sampleEvent('log.doubted')).event).toMatchObject({ kind: 'alert', severity: 5 });
    expect(format(sampleEvent('look_up.answered')).event).toMatchObject({ kind: 'event', severity: 1 });
  });
});
