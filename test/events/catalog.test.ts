import { describe, expect, it } from 'vitest';
import { EVENTS, isEventType } from '../../bridge/events/catalog.ts';
import { eventGenesis, eventHash } from '../../bridge/events/event.ts';

describe('the catalogue of events', () => {
  it.each(Object.entries(EVENTS))('says in a sentence what %s is', (_type, { doc }) => {
    expect(doc).toMatch(/^[A-Z].*\.$/);
  });

  it.each(Object.entries(EVENTS))('has no place for a secret in %s', (_type, { data }) => {
    for (const member of Object.keys(data.shape)) {
      expect(member).not.toMatch(
        /token|secret|password|passphrase|vault|assertion|private|share|cookie|proof/,
      );
    }
  });

  it('knows its own types only', () => {
    expect(isEventType('person.closed')).toBe(true);
    expect(isEventType('toString')).toBe(false);
  });
});

describe('the hash of an event', () => {
  it('is pinned: a change of these bytes breaks every stored chain', () => {
    const event = {
      ...{ v: 1 as const, seq: 1, event_id: '019a9f00-0000-7000-8000-000000000001' },
      ...{ time: '2026-11-22T09:00:00.000Z', type: 'person.closed' as const },
      ...{ actor: { kind: 'system' as const }, subject: { sub: 'p1' }, outcome: 'success' as const },
      ...{ code: null, request_id: null, trace_id: null, data: { reason: 'left' } },
      prev: eventGenesis('https://bridge.acme.example'),
    };
    expect(event.prev).toBe('eis60tg24XwqLry4Mx8HFND5ThwWsVlB5MgvHQClle8');
    // as events were stored before there were salts
    expect(eventHash(event)).toBe('jbYUOUuRt1YnzJXXPUeJSVpvQmIEk4x9Q5XKPsZ-8j4');
    expect(eventHash({ ...event, salt: 'AAAAAAAAAAAAAAAAAAAAAA' })).toBe(
      'w8vUv_wyw-7qRLGGUJSfJAaiNQLGT8lq5SRQQAA3CCY',
    );
  });
});
