import { describe, expect, it } from 'vitest';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import { FORMAT_NAMES, type FormatName } from '../../connectors/siem/formats/formatter.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';
import { parseCef } from './cef-parser.ts';
import { ORIGIN, sampleEvent, TYPES } from './sample-events.ts';

const format = (name: FormatName, event: SinkEvent) => createFormatter(name, ORIGIN).format(event);

const CLOSED: SinkEvent = {
  ...{ v: 1, seq: 30, event_id: '01a202c5-acea-788c-9a55-1121998f6fa3', time: '2026-11-22T10:20:39.018Z' },
  ...{ type: 'person.closed', outcome: 'success', code: null },
  actor: { kind: 'administrator', id: 'a1', name: 'Ada | Ops', address: '2001:db8::1' },
  subject: { sub: 'p1', address: 'gwen@acme.example' },
  ...{ request_id: 'r1', trace_id: null, data: { reason: 'left = gone\nfor good' } },
  ...{ prev: 'cHJldg', hash: 'aGFzaA' },
};

describe('a formatter', () => {
  it.each(FORMAT_NAMES)('has the name %s that it was asked for by', (name) => {
    expect(createFormatter(name, ORIGIN).name).toBe(name);
  });

  it.each(FORMAT_NAMES)('writes as %s whatever type it is given', (name) => {
    for (const type of [...TYPES, 'moon.landed']) {
      const event = {
        ...CLOSED,
        type,
        actor: { kind: 'visitor' },
        subject: {},
        data: { deep: [{ a: null }] },
      };
      expect(format(name, event).length).toBeGreaterThan(100);
    }
  });
});

describe('CEF', () => {
  it('is pinned: rules of receivers stand on these bytes', () => {
    expect(format('cef', CLOSED)).toBe(
      [
        'CEF:0|Countersign|Countersign|0.1.0|person.closed|Person closed|5|rt=1795342839018',
        'externalId=01a202c5-acea-788c-9a55-1121998f6fa3 dvchost=bridge.acme.example cat=person act=person.closed',
        'outcome=success c6a2Label=Source IPv6 Address c6a2=2001:db8::1 suid=a1 suser=Ada | Ops',
        'spriv=Administrator duid=p1 duser=gwen@acme.example cn1Label=seq cn1=30 cs1Label=data',
        'cs1={"reason":"left \\= gone\\\\nfor good"} cs2Label=subject',
        'cs2={"sub":"p1","address":"gwen@acme.example"} cs3Label=hash cs3=aGFzaA cs4Label=prev cs4=cHJldg',
        'cs5Label=request_id cs5=r1',
      ].join(' '),
    );
  });

  it('has no key that its dictionary does not have', () => {
    const keys = new Set(
      TYPES.flatMap((type) => [...parseCef(format('cef', sampleEvent(type))).extension.keys()]),
    );
    const known =
      /^(?:rt|externalId|dvchost|cat|act|outcome|reason|src|suid|suser|spriv|duid|duser|requestMethod|request|(?:cs[1-6]|cn1|c6a2|flexString[12])(?:Label)?)$/;
    expect([...keys].filter((key) => !known.test(key))).toEqual([]);
  });

  it('keeps an IPv4 address where it has a field for it', () => {
    const { extension } = parseCef(format('cef', sampleEvent('person.closed')));
    expect(extension.get('src')).toBe('192.0.2.7');
    expect(extension.has('c6a2')).toBe(false);
  });

  it('says where data was cut, and stays readable', () => {
    const data = { addresses: Array.from({ length: 40 }, (_, at) => `${'x'.repeat(200)}${at}@acme.example`) };
    const { extension } = parseCef(format('cef', { ...CLOSED, type: 'look_up.answered', data }));
    expect(extension.get('cs1')).toHaveLength(4_000);
    expect(extension.get('cs1')).toMatch(/… \(cut\)$/);
    expect(extension.get('cs3')).toBe('aGFzaA');
  });
});

describe('a CloudEvent', () => {
  it.each(TYPES)(
    'has the attributes that CloudEvents 1.0 demands for %s, and only well-formed ones',
    (type) => {
      for (const event of [sampleEvent(type), sampleEvent(type, { optional: false })]) {
        const { data, ...attributes } = JSON.parse(format('cloudevents', event));
        expect(data).toEqual(event);
        expect(attributes).toMatchObject({ specversion: '1.0', source: ORIGIN.iss, id: event.event_id });
        for (const [name, value] of Object.entries(attributes)) {
          expect(name).toMatch(/^[a-z0-9]{1,20}$/);
          expect([name, typeof value === 'string' && value !== '']).toEqual([name, true]);
        }
      }
    },
  );

  it('can be put in order by its sequence as a text', () => {
    const sequence = (seq: number) => JSON.parse(format('cloudevents', { ...CLOSED, seq })).sequence;
    expect(sequence(9) < sequence(10)).toBe(true);
    expect(sequence(999_999_999) < sequence(2 ** 40)).toBe(true);
  });
});
