import { describe, expect, it } from 'vitest';
import { EVENTS } from '../../bridge/events/catalog.ts';
import {
  actorSchemas,
  type EventSubject,
  eventBody,
  eventHash,
  type StoredEvent,
  subjectSchema,
} from '../../bridge/events/event.ts';
import { personalMembers } from '../../bridge/events/personal-members.ts';
import { redactEvent } from '../../bridge/events/redaction.ts';
import { newId } from '../../bridge/lib/ids.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';

const KEY = new Uint8Array(32).fill(7);

function lookUp(changes: Partial<StoredEvent> = {}): StoredEvent {
  return {
    ...{ v: 1, seq: 7, event_id: '019a9f00-0000-7000-8000-000000000001' },
    ...{ time: '2026-11-22T09:00:00.000Z', type: 'look_up.answered', outcome: 'success', code: null },
    actor: { kind: 'person', sub: 'p1', device: 'd1', address: '192.0.2.7' },
    subject: { sub: 'p1', address: 'alice@acme.example' },
    ...{ request_id: 'r-1', trace_id: null },
    data: {
      ...{ asked: 2, addresses: ['bob@globex.example', 'alice@acme.example'] },
      ...{ credential: 2, revoked: 0, revoked_pending: 0, not_found: 0, refused: 0 },
    },
    ...{ prev: 'prev', hash: 'hash' },
    ...changes,
  };
}

/** As the log stores and hashes it. */
function closing(subject: EventSubject): StoredEvent {
  const actor = { kind: 'system' as const };
  const body = eventBody(
    { type: 'person.closed', actor, subject, outcome: 'success', data: {} },
    newId(),
    Date.now(),
  );
  const hashed = { ...body, seq: 7, prev: 'prev' };
  return { ...hashed, hash: eventHash(hashed) };
}

/** What the copy of a sink would have to be for a guess of what was taken out to be right. */
function guessed(copy: SinkEvent, subject: EventSubject): string {
  const { hash: _hash, redaction: _redaction, ...rest } = copy;
  return eventHash({ ...rest, subject } as StoredEvent);
}

/** As an administrator writes it into the guide: which members of which type. */
function marked(): Record<string, string[]> {
  const each = Object.entries(EVENTS).map(([type, { data }]) => {
    const names = [...personalMembers(data)].flatMap(([name, personal]) => (personal ? [name] : []));
    return [type, names] as const;
  });
  return Object.fromEntries(each.filter(([, names]) => names.length > 0));
}

describe('redaction', () => {
  it('leaves an event as it is where none is asked for', () => {
    const event = lookUp();
    expect(redactEvent(event, 'none')).toBe(event);
  });

  it('drops addresses and names, and keeps ids, counts and what happened', () => {
    expect(redactEvent(lookUp(), 'drop')).toEqual({
      ...lookUp(),
      actor: { kind: 'person', sub: 'p1', device: 'd1' },
      subject: { sub: 'p1' },
      data: { asked: 2, credential: 2, revoked: 0, revoked_pending: 0, not_found: 0, refused: 0 },
      redaction: 'drop',
    });
  });

  it('puts the same pseudonym for the same text, wherever it stands', () => {
    const { actor, subject, data, redaction } = redactEvent(lookUp(), 'hmac', KEY);
    expect(redaction).toBe('hmac');
    expect(actor.sub).toBe('p1');
    expect(actor.address).toMatch(/^hmac-[\w-]{22}$/);
    expect(data.addresses).toEqual([expect.stringMatching(/^hmac-[\w-]{22}$/), subject.address]);
    expect(subject.address).not.toBe(actor.address);
  });

  it('gives each sink pseudonyms of its own', () => {
    const other = redactEvent(lookUp(), 'hmac', new Uint8Array(32).fill(8));
    expect(other.subject.address).not.toBe(redactEvent(lookUp(), 'hmac', KEY).subject.address);
  });

  it.each(['drop', 'hmac'] as const)('by %s leaves no hash by which a guess can be tried', (way) => {
    const subject = { sub: 'p1', address: 'alice@acme.example' };
    const event = closing(subject);
    expect(guessed(event, subject)).toBe(event.hash);
    const copy = redactEvent(event, way, KEY);
    expect(copy).not.toHaveProperty('salt');
    expect(JSON.stringify(copy)).not.toContain(event.salt);
    expect(guessed(copy, subject)).not.toBe(event.hash);
  });

  it('leaves the salt of an event that names nobody, so that its hash can be recomputed', () => {
    const event = closing({ sub: 'p1' });
    expect(guessed(redactEvent(event, 'drop'), { sub: 'p1' })).toBe(event.hash);
  });

  it('never salts two events alike', () => {
    const salts = Array.from({ length: 1_000 }, () => closing({ sub: 'p1' }).salt);
    expect(new Set(salts).size).toBe(1_000);
    for (const salt of salts) expect(salt).toMatch(/^[\w-]{21}[AQgw]$/);
  });

  it('refuses to make pseudonyms without a key', () => {
    expect(() => redactEvent(lookUp(), 'hmac')).toThrowError(expect.objectContaining({ code: 'internal' }));
  });

  it('treats what the catalogue does not know as personal', () => {
    const unknown = lookUp({ data: { asked: 1, nick: 'Ali', people: { first: 'Ali' }, size: 4 } });
    expect(redactEvent(unknown, 'drop').data).toEqual({ asked: 1 });
    expect(Object.keys(redactEvent(unknown, 'hmac', KEY).data)).toEqual(['asked', 'nick']);
    const type = 'no.such_type' as StoredEvent['type'];
    expect(redactEvent(lookUp({ type }), 'drop').data).toEqual({});
  });

  it('knows each member of the catalogue that names a person', () => {
    expect([...personalMembers(actorSchemas.administrator)]).toEqual([
      ...[['kind', false] as const, ['id', false] as const],
      ...[['name', true] as const, ['address', true] as const],
    ]);
    expect(personalMembers(subjectSchema).get('address')).toBe(true);
    expect(marked()).toMatchObject({
      'look_up.answered': ['addresses'],
      'sign_in.succeeded': ['dropped_addresses'],
      'device.added': ['label'],
      'person.closed': ['reason'],
      'admin.token_created': ['name'],
      'policy.drafted': ['note'],
      'policy.denied': ['resource'],
    });
  });
});
