import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudEventOf } from '../../bridge/cli/event-copy.ts';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import type { FormatName } from '../../connectors/siem/formats/formatter.ts';
import { createSyslogFrames } from '../../connectors/siem/syslog/syslog-message.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { type CopyFixture, copyFixture, FOUND } from './copy-fixture.ts';

/** The event of a look-up of forty addresses as long as addresses get. */
const LONG = 3;
const label = (letter: string) => letter.repeat(60);
const ADDRESSES = Array.from(
  { length: 40 },
  (_, index) => `${index}${label('a')}@${label('b')}.${label('c')}.${label('d')}.example`,
);

let copies: CopyFixture;

beforeAll(async () => {
  copies = await copyFixture(ADDRESSES);
});
afterAll(() => copies.fixture.remove());

/** What a receiver of syslog keeps of the events. */
function receivedLines(events: readonly StoredEvent[], format: FormatName, maxBytes = 8_192): string[] {
  const formatter = createFormatter(format, { iss: ISS, organization: 'Acme', version: '1.2.3' });
  const frames = createSyslogFrames({
    ...{ formatter, iss: ISS, facility: 13, structuredData: 'brief', byteOrderMark: false, maxBytes },
  });
  return events.map((event) => {
    const message = frames(event).toString();
    return message.slice(message.indexOf('] {') + 2);
  });
}

/** One event altered, which says that it was shortened. */
function alteredAs(events: readonly StoredEvent[], seq: number, data: object): object[] {
  return events.map((event) =>
    event.seq === seq
      ? { ...event, subject: { sub: 'somebody else' }, data: { ...event.data, ...data } }
      : event,
  );
}

describe('an event that our own syslog sink cut', () => {
  it.each<FormatName>(['plain', 'cloudevents'])(
    'is no alarm, and its content is not proven: %s',
    async (format) => {
      const lines = receivedLines(copies.events, format);
      expect(lines[LONG - 1]).toContain('"truncated":true');
      expect(await copies.verify(lines, { shortened: true })).toMatchObject({
        ...FOUND,
        ...{ outcome: 'partly', proven: 10, shortened: [{ from: LONG, to: LONG }] },
      });
    },
  );

  it('is no alarm in whatever order it comes with the whole event, and is named', async () => {
    const [cut = ''] = receivedLines(copies.events.slice(LONG - 1, LONG), 'plain');
    const report = { ...FOUND, outcome: 'partly', shortened: [{ from: LONG, to: LONG }] };
    const ofSyslog = { shortened: true };
    expect(await copies.verify([...copies.events, cut], ofSyslog)).toMatchObject(report);
    expect(await copies.verify([cut, ...copies.events], ofSyslog)).toMatchObject(report);
  });

  it('is not what an export has', async () => {
    const cut = receivedLines(copies.part(), 'plain').map((line): object => JSON.parse(line));
    const report = await copies.verify(copies.exported(cut), { shortened: true });
    expect(report).toMatchObject({ outcome: 'refuted' });
  });
});

describe('an altered event that says that a sink cut it', () => {
  it('is never proven, and is named', async () => {
    const forged = alteredAs(copies.events, 5, { truncated: true });
    const report = { outcome: 'partly', proven: 10, shortened: [{ from: 5, to: 5 }] };
    expect(await copies.verify(forged, { shortened: true })).toMatchObject(report);
    const wrapped = forged.map((event) => cloudEventOf(event, ISS));
    expect(await copies.verify(wrapped, { shortened: true })).toMatchObject(report);
  });

  it('is an alarm in a copy of which nobody said that its sink cuts events', async () => {
    const forged = alteredAs(copies.events, 5, { truncated: true });
    const report = { outcome: 'unproven', proven: 10, shortened: [{ from: 5, to: 5 }] };
    expect(await copies.verify(forged)).toMatchObject(report);
    expect(await copies.verify(forged, { redacted: true, originals: true })).toMatchObject(report);
  });

  it('is an alarm where its hash is not the one that was signed', async () => {
    const forged = alteredAs(copies.events, 5, { truncated: true }).map((event) =>
      'seq' in event && event.seq === 5 ? { ...event, hash: 'A'.repeat(43) } : event,
    );
    expect(await copies.verify(forged)).toMatchObject({ outcome: 'refuted', altered: [{ from: 5, to: 5 }] });
  });

  it.each([['true'], [1], [null]])('is altered where it says so as %j', async (truncated) => {
    expect(await copies.verify(alteredAs(copies.events, 5, { truncated }))).toMatchObject({
      ...{ outcome: 'refuted', altered: [{ from: 5, to: 5 }] },
    });
  });
});
