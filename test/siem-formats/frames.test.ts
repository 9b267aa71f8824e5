import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import { FORMAT_NAMES } from '../../connectors/siem/formats/formatter.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';
import { parseCef } from './cef-parser.ts';
import { hostileText } from './hostile-text.ts';
import { ORIGIN, sampleEvent, TYPES } from './sample-events.ts';

const RUNS = { numRuns: 120 };

/** Where some reader ends a line, and other characters that are not shown: none of them stands in any line. */
const NOT_SHOWN = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** None is a machine’s address (`::` is one): where an address may be, it rightly becomes another member. */
const strangeText = hostileText.filter((text) => isIP(text) === 0);

/** An event of any type with hostile texts wherever somebody else has a say, and the same event with harmless ones. */
const pairs = fc
  .record({ type: fc.constantFrom(...TYPES), texts: fc.array(strangeText, { minLength: 1, maxLength: 6 }) })
  .map(({ type, texts }) => {
    let at = 0;
    const next = () => texts[at++ % texts.length] ?? '';
    return { hostile: fill(type, next), harmless: fill(type, () => 'harmless') };
  });

function fill(type: (typeof TYPES)[number], text: () => string): SinkEvent {
  const actor = { kind: 'administrator', id: 'a1', name: text(), address: text() };
  const names = ['sub', 'address', 'device', 'partner', 'connection', 'domain', 'app', 'group'];
  const subject = Object.fromEntries(names.map((name) => [name, text()]));
  return sampleEvent(type, {
    text,
    changes: { actor, subject, request_id: text(), code: null, replay: text() },
  });
}

const format = (name: (typeof FORMAT_NAMES)[number], event: SinkEvent) =>
  createFormatter(name, ORIGIN).format(event);

/** Names of all members, wherever they stand, and what kinds of values they have. */
function skeleton(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map(skeleton))];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, skeleton(member)]));
}

describe('hostile texts in events', () => {
  it.each(FORMAT_NAMES)('end no line of %s for any reader, and leave it valid UTF-8', (name) => {
    fc.assert(
      fc.property(pairs, ({ hostile }) => {
        const line = format(name, hostile);
        expect(NOT_SHOWN.test(line)).toBe(false);
        expect(line.isWellFormed()).toBe(true);
      }),
      RUNS,
    );
  });

  it('come back from plain events as they were', () => {
    fc.assert(
      fc.property(pairs, ({ hostile }) => {
        expect(JSON.parse(format('plain', hostile))).toEqual(hostile);
      }),
      RUNS,
    );
  });

  it('come back from CloudEvents as they were, and change none of the attributes but the subject', () => {
    fc.assert(
      fc.property(pairs, ({ hostile, harmless }) => {
        const { data, subject, ...attributes } = JSON.parse(format('cloudevents', hostile));
        const { data: _data, subject: _subject, ...expected } = JSON.parse(format('cloudevents', harmless));
        expect(data).toEqual(hostile);
        expect(subject).toBe(hostile.subject.sub);
        expect({ ...attributes, replay: '' }).toEqual({ ...expected, replay: '' });
      }),
      RUNS,
    );
  });

  it.each(['ocsf', 'ecs'] as const)('put no member into %s, and take none out', (name) => {
    fc.assert(
      fc.property(pairs, ({ hostile, harmless }) => {
        const [given, expected] = [hostile, harmless].map((event) =>
          skeleton(JSON.parse(format(name, event))),
        );
        expect(given).toEqual(expected);
      }),
      RUNS,
    );
  });

  it('come back from OCSF and ECS as they were, but for halves of surrogate pairs', () => {
    fc.assert(
      fc.property(pairs, ({ hostile }) => {
        const { unmapped } = JSON.parse(format('ocsf', hostile));
        expect(unmapped.data).toEqual(wellFormed(hostile.data));
        expect(unmapped.subject).toEqual(wellFormed(hostile.subject));
        const { countersign } = JSON.parse(format('ecs', hostile));
        const [group = ''] = hostile.type.split('.');
        expect(countersign.data?.[group] ?? {}).toEqual(wellFormed(hostile.data));
      }),
      RUNS,
    );
  });

  it('change no field of a CEF header, and put none into the extension', () => {
    fc.assert(
      fc.property(pairs, ({ hostile, harmless }) => {
        const [given, expected] = [hostile, harmless].map((event) => parseCef(format('cef', event)));
        expect(given?.header).toEqual(expected?.header);
        const sources = /^(?:src|c6a2|c6a2Label)$/;
        const keys = [given, expected].map((parsed) =>
          [...(parsed?.extension.keys() ?? [])].filter((key) => !sources.test(key)),
        );
        expect(keys[0]).toEqual(keys[1]);
      }),
      RUNS,
    );
  });

  it('come back from CEF but for control characters and what is cut', () => {
    fc.assert(
      fc.property(pairs, ({ hostile }) => {
        const { extension } = parseCef(format('cef', hostile));
        expect(extension.get('suser')).toBe(asCef(hostile.actor.name ?? '', 1_023));
        expect(extension.get('duser')).toBe(asCef(hostile.subject.address ?? '', 1_023));
        expect(extension.get('outcome')).toBe('success');
        const data = extension.get('cs1');
        if (data !== undefined && !data.endsWith('… (cut)')) expect(JSON.parse(data)).toEqual(hostile.data);
        for (const [key, value] of extension) {
          expect([key, value.length <= (/^cs\d$/.test(key) ? 4_000 : 1_023)]).toEqual([key, true]);
        }
      }),
      RUNS,
    );
  });
});

function wellFormed(members: object): unknown {
  return JSON.parse(JSON.stringify(members), (_name, value) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  );
}

/** By the specification: line ends have an escape, other control characters have none. */
function asCef(text: string, max: number): string {
  const cut = text.length <= max ? text : `${text.slice(0, max - 7)}… (cut)`;
  return [...cut.toWellFormed()]
    .map((character) => (/[^\n\r\P{Cc}]|[\u2028\u2029]/u.test(character) ? ' ' : character))
    .join('');
}
