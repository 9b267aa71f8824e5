import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Formatter } from '../../../connectors/siem/formats/formatter.ts';
import { plain } from '../../../connectors/siem/formats/plain.ts';
import type { SinkEvent } from '../../../connectors/siem/sink.ts';
import {
  createSyslogFrames,
  type SyslogMessageOptions,
} from '../../../connectors/siem/syslog/syslog-message.ts';
import { HOSTILE_TEXTS } from '../../contract/sink-events.ts';
import { parseSyslogMessage, type SyslogMessage } from '../../fakes/syslog/parse-message.ts';
import { paramOf } from './syslog-fixture.ts';

const EVENT: SinkEvent = {
  ...{ v: 1, seq: 7, event_id: '01a202c5-acea-788c-9a55-1121998f6fa3' },
  ...{ time: '2026-11-22T10:20:39.018Z', type: 'person.closed' },
  actor: { kind: 'administrator', id: 'adm_1', name: 'Zażółć "Ada"' },
  subject: { sub: 'prs_1', address: 'alice@acme.example' },
  ...{ outcome: 'success', code: null, request_id: 'req_1', trace_id: null },
  data: { reason: 'left [the] company\\', asked: 3, addresses: ['a@acme.example', 'b@acme.example'] },
  ...{
    prev: 'o-D-F73t2J0iNbIsjhPLe08AvIagEDPgmQ7aEnijYHM',
    hash: 'ih8I3JvyV6mijNHTRJ1DQufAtNQcuXMc1rkiOFS-CKk',
  },
};

function frameOf(event: SinkEvent, options: Partial<SyslogMessageOptions> = {}): Buffer {
  const frames = createSyslogFrames({
    ...{ formatter: plain, iss: 'https://bridge.acme.example', facility: 13 },
    ...{ structuredData: 'brief', byteOrderMark: true, maxBytes: 8_192 },
    ...options,
  });
  return frames(event);
}

/** The one message of a frame, whose count must be right. */
function read(frame: Buffer): SyslogMessage & { readonly bytes: number } {
  const space = frame.indexOf(' ');
  const message = frame.subarray(space + 1);
  expect(frame.subarray(0, space).toString()).toBe(String(message.byteLength));
  return { ...parseSyslogMessage(message), bytes: message.byteLength };
}

const messageOf = (event: SinkEvent, options?: Partial<SyslogMessageOptions>) =>
  read(frameOf(event, options));

describe('a syslog message', () => {
  it('is these bytes', () => {
    const expected =
      '<108>1 2026-11-22T10:20:39.018Z bridge.acme.example countersign - person.closed ' +
      '[countersign@32473 seq="7" event_id="01a202c5-acea-788c-9a55-1121998f6fa3" type="person.closed" ' +
      'outcome="success" actor_kind="administrator" actor_id="adm_1" actor_name="Zażółć \\"Ada\\"" ' +
      'subject_sub="prs_1" subject_address="alice@acme.example" request_id="req_1"] ' +
      `\ufeff${JSON.stringify(EVENT)}`;
    const length = Buffer.byteLength(expected);
    expect(frameOf(EVENT).toString()).toBe(`${length} ${expected}`);
  });

  it('names the bridge, the type and how much it matters', () => {
    expect(messageOf(EVENT)).toMatchObject({
      ...{ facility: 13, hostname: 'bridge.acme.example', appName: 'countersign', procId: '-' },
      ...{ msgId: 'person.closed', timestamp: EVENT.time, marked: true, message: JSON.stringify(EVENT) },
    });
    const forged = { ...EVENT, type: 'sign_in.refused', outcome: 'failure', code: 'replayed' } as const;
    expect(messageOf(forged, { facility: 16 })).toMatchObject({ facility: 16, severity: 3 });
  });

  it('has no mark and no structured data where none is wanted', () => {
    const message = messageOf(EVENT, { byteOrderMark: false, structuredData: 'none' });
    expect(message).toMatchObject({ marked: false, structuredData: {}, message: JSON.stringify(EVENT) });
  });

  it('has all of the event as structured data, and nothing beside it, where that is wanted', () => {
    const message = messageOf(EVENT, { structuredData: 'full' });
    expect(message.message).toBe('');
    const params = message.structuredData['countersign@32473'] ?? [];
    expect(params).toEqual(
      expect.arrayContaining([
        ['data_reason', 'left [the] company\\'],
        ['data_asked', '3'],
        ['data_addresses', 'a@acme.example'],
        ['data_addresses', 'b@acme.example'],
        ['prev', EVENT.prev],
        ['hash', EVENT.hash],
      ]),
    );
  });

  it('says of what replay it is', () => {
    expect(paramOf(messageOf({ ...EVENT, replay: 'rpl_1' }), 'replay')).toBe('rpl_1');
    expect(paramOf(messageOf(EVENT), 'replay')).toBeUndefined();
  });

  it('comes from nobody where the bridge has no host', () => {
    expect(messageOf(EVENT, { iss: 'urn:bridge' }).hostname).toBe('-');
    expect(messageOf(EVENT, { iss: 'https://[2001:db8::1]' }).hostname).toBe('2001:db8::1');
  });
});

describe('a syslog message that is too long', () => {
  const long: SinkEvent = {
    ...EVENT,
    data: { reason: 'ż'.repeat(20_000), list: Array(500).fill('a'.repeat(100)), asked: 3 },
  };

  it.each([2_048, 8_192, 65_536])('is cut to %i octets, says so, and stays whole JSON', (maxBytes) => {
    const message = messageOf(long, { maxBytes });
    expect(message.bytes).toBeLessThanOrEqual(maxBytes);
    expect(paramOf(message, 'truncated')).toBe('true');
    const { data, ...others } = JSON.parse(message.message) as SinkEvent;
    expect(data).toMatchObject({ truncated: true });
    const { data: _, ...given } = EVENT;
    expect(others).toEqual(given);
  });

  it('keeps as much as there is room for', () => {
    const { data } = JSON.parse(messageOf(long).message) as SinkEvent;
    expect(data).toMatchObject({ asked: 3, truncated: true, reason: expect.stringMatching(/^ż+…$/) });
    const reason = 'x'.repeat(3_000);
    const mild = JSON.parse(messageOf({ ...EVENT, data: { reason } }, { maxBytes: 2_500 }).message);
    expect(mild.data.reason).toBe(`${reason.slice(0, 1_024)}…`);
  });

  it('is cut in structured data, too', () => {
    const message = messageOf(long, { structuredData: 'full', maxBytes: 2_048 });
    expect(message.bytes).toBeLessThanOrEqual(2_048);
    expect(paramOf(message, 'truncated')).toBe('true');
    expect(paramOf(message, 'hash')).toBe(EVENT.hash);
  });

  it('still tells that it happened where the format has no room for that', () => {
    const wordy: Formatter = { name: 'plain', format: () => 'x'.repeat(5_000) };
    const message = messageOf(EVENT, { formatter: wordy, maxBytes: 2_048 });
    expect(message).toMatchObject({ message: '', msgId: 'person.closed' });
    expect(paramOf(message, 'event_id')).toBe(EVENT.event_id);
  });
});

describe('a syslog message of hostile text', () => {
  const texts = fc.oneof(
    fc.constantFrom(...HOSTILE_TEXTS),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({
      unit: fc.constantFrom(
        '"',
        '\\',
        ']',
        '[',
        '\n',
        '\r',
        '\0',
        '\u0085',
        '\u2028',
        '\ud800',
        '\udc00',
        'a',
      ),
    }),
  );
  const scopes = fc.constantFrom('brief', 'full', 'none');

  it('is one frame of one line, with every value where it belongs', () => {
    fc.assert(
      fc.property(
        texts,
        texts,
        scopes,
        fc.constantFrom(2_048, 8_192),
        (name, reason, structuredData, maxBytes) => {
          const event = { ...EVENT, actor: { ...EVENT.actor, name }, data: { reason } };
          const message = messageOf(event, { structuredData, maxBytes });
          expect(message.bytes).toBeLessThanOrEqual(maxBytes);
          expect(Object.keys(message.structuredData)).toEqual(
            structuredData === 'none' ? [] : ['countersign@32473'],
          );
          const params = message.structuredData['countersign@32473'] ?? [];
          for (const [, value] of params) expect(value).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
          expect(params.filter(([found]) => found === 'event_id').map(([, value]) => value)).toEqual(
            structuredData === 'none' ? [] : [EVENT.event_id],
          );
          const plainText = /^[^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]{1,256}$/u;
          if (structuredData !== 'none' && plainText.test(name))
            expect(paramOf(message, 'actor_name')).toBe(name);
          expect(message.message).not.toMatch(/[\r\n]/);
          if (message.message !== '')
            expect(JSON.parse(message.message)).toMatchObject({ event_id: EVENT.event_id });
        },
      ),
      { numRuns: 500 },
    );
  });
});
