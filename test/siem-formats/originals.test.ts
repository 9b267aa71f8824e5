import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { redactEvent } from '../../bridge/events/redaction.ts';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import { type FormatName, ORIGINAL_FORMATS } from '../../connectors/siem/formats/formatter.ts';
import { originalIn } from '../../connectors/siem/formats/original-in.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';
import { createSyslogFrames } from '../../connectors/siem/syslog/syslog-message.ts';
import { parseCef } from './cef-parser.ts';
import { hostileText } from './hostile-text.ts';
import { ORIGIN, sampleEvent, TYPES } from './sample-events.ts';

const carrying = (name: FormatName) => createFormatter(name, ORIGIN, true);
const readBack = (line: string) => {
  const found = originalIn(line);
  return found === undefined ? undefined : { ...found, event: JSON.parse(found.event) };
};
const json = (event: SinkEvent) => JSON.parse(JSON.stringify(event));
const EVENT = sampleEvent('device.added');

describe.each(ORIGINAL_FORMATS)('an event in %s that carries its original', (name) => {
  it('gives it back as it was, whatever its texts hold', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), fc.array(hostileText, { minLength: 1 }), (type, texts) => {
        let at = 0;
        const event = sampleEvent(type, { text: () => texts[at++ % texts.length] ?? '' });
        const line = carrying(name).format(event);
        expect(line).not.toMatch(/[\n\r\u2028\u2029]/);
        expect(readBack(line)).toMatchObject({ event: json(event), faithful: true });
      }),
      { numRuns: 60 },
    );
  });

  it('is the same without it where that is not asked for, and carries none', () => {
    const bare = createFormatter(name, ORIGIN);
    expect(carrying(name).withoutOriginal?.format(EVENT)).toBe(bare.format(EVENT));
    expect(originalIn(bare.format(EVENT))).toBeUndefined();
    expect(bare.withoutOriginal).toBeUndefined();
  });

  it('says that it was altered beside its original', () => {
    const line = carrying(name)
      .format(EVENT)
      .replace(/success/i, 'failure');
    expect(readBack(line)).toMatchObject({ event: json(EVENT), faithful: false });
  });

  it('carries the redacted event where personal data is taken out', () => {
    const stored = { ...EVENT, actor: { kind: 'person', sub: 'p1', address: '192.0.2.77' } } as StoredEvent;
    const line = carrying(name).format(redactEvent(stored, 'drop'));
    expect(line).not.toContain('192.0.2.77');
    expect(readBack(line)).toMatchObject({
      event: { redaction: 'drop', actor: { sub: 'p1' } },
      faithful: true,
    });
  });

  it('goes without it over syslog where it would have to be cut', () => {
    const frames = (formatter: ReturnType<typeof carrying>, maxBytes: number) =>
      createSyslogFrames({
        ...{
          formatter,
          iss: ORIGIN.iss,
          facility: 13,
          structuredData: 'brief',
          byteOrderMark: false,
          maxBytes,
        },
      })(EVENT).toString();
    expect(frames(carrying(name), 65_536)).not.toContain('truncated');
    const bare = createFormatter(name, ORIGIN).format(EVENT);
    const brief = frames(carrying(name), Buffer.byteLength(bare) + 600);
    expect(brief).toContain('truncated="true"');
    expect(brief.endsWith(bare)).toBe(true);
  });
});

describe('the original', () => {
  it('stands in the field that each format has for it', () => {
    const original = createFormatter('plain', ORIGIN).format(EVENT);
    expect(JSON.parse(carrying('ocsf').format(EVENT)).raw_data).toBe(original);
    expect(JSON.parse(carrying('ecs').format(EVENT)).event.original).toBe(original);
    expect(parseCef(carrying('cef').format(EVENT)).extension.get('rawEvent')).toBe(original);
  });

  it('is found behind the header of syslog, beside which it says nothing', () => {
    const line = `<109>1 2026-11-22T10:00:00Z bridge countersign - - - ${carrying('cef').format(EVENT)}`;
    expect(readBack(line)).toMatchObject({ event: json(EVENT), faithful: false });
  });

  it('is none where a CEF line has two', () => {
    expect(originalIn(`${carrying('cef').format(EVENT)} rawEvent={}`)).toBeUndefined();
  });
});
