import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LINES } from '../../bridge/cli/event-copy.ts';
import { eventHash, type StoredEvent } from '../../bridge/events/event.ts';
import { type Redaction, redactEvent } from '../../bridge/events/redaction.ts';
import { testEvent } from '../../bridge/events/sinks/sink-test.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import { FORMAT_NAMES, type FormatName } from '../../connectors/siem/formats/formatter.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';
import { EventCopy } from '../../protocol/events/event-copy.ts';
import type { EventProof } from '../../protocol/events/event-proof.ts';
import { type CopyReport, type VerifyOptions, verifyEventCopy } from '../../protocol/events/verify-copy.ts';
import { eventLogOrigin } from '../../protocol/tlog/checkpoint.ts';
import { eventLogVerifierKeys } from '../../protocol/tlog/log-keys.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

const OTHER = 'https://bridge.globex.example';
const ADMINISTRATOR = { kind: 'administrator', id: newId(), name: 'Ann', address: '192.0.2.7' } as const;

let fixture: EventProofFixture;
/** All that the checkpoint covers. */
let events: StoredEvent[];
let proof: EventProof;

beforeAll(async () => {
  fixture = await eventProofFixture();
  await fixture.reportSigned(5);
  events = (await fixture.events()).slice(0, 5);
  proof = await fixture.proofs.prove({ from: 1, to: 5 });
});

afterAll(async () => {
  await fixture.remove();
});

async function verify(lines: readonly string[], options: VerifyOptions = {}): Promise<CopyReport> {
  const logKeys = eventLogVerifierKeys(fixture.signer.onlineKeys());
  const copy = new EventCopy({ origin: eventLogOrigin(ISS), logKeys }, LINES);
  for (const line of lines) await copy.add(line);
  await copy.addProof(proof);
  return verifyEventCopy(copy, options);
}

const sent = (iss = ISS): StoredEvent =>
  testEvent(
    { id: 'snk_55ac7c8c009c55ac2b88', name: 'siem' },
    { by: { requestId: newId(), actor: ADMINISTRATOR }, time: Date.now(), iss },
  );
const lineOf = (event: SinkEvent, format: FormatName = 'plain', iss = ISS) =>
  createFormatter(format, { iss, organization: 'Acme', version: '0.1.0' }, true).format(event);
const log = () => events.map((event) => lineOf(event));

/** With a hash of its own again. */
function changed(change: object): string {
  const { hash: _old, ...rest } = { ...sent(), ...change };
  return lineOf({ ...rest, hash: eventHash(rest) });
}

describe('a test event', () => {
  it.each(FORMAT_NAMES)('in %s is counted beside a log that is proven', async (format) => {
    const found = await verify([...log(), lineOf(sent(), format)]);
    expect(found).toMatchObject({ outcome: 'proven', tests: 1, unreadable: [], beside: [] });
  });

  it.each<Redaction>(['drop', 'hmac'])('is counted where personal data is taken out by %s', async (way) => {
    const line = lineOf(redactEvent(sent(), way, Buffer.alloc(32)));
    expect(await verify([...log(), line])).toMatchObject({ outcome: 'proven', tests: 1, unreadable: [] });
  });

  it('holds no name that somebody chose for a person', () => {
    expect(sent().actor).toEqual({ kind: 'administrator', id: ADMINISTRATOR.id, address: '192.0.2.7' });
  });
});

describe('a copy is refuted by a line that says that it is a test and', () => {
  it.each([
    ['has nothing else', () => '{"v":1,"seq":0,"type":"sink.tested"}'],
    ['has a member beside', () => changed({ note: 'guilty' })],
    ['has a member beside in its data', () => changed({ data: { ...sent().data, note: 'guilty' } })],
    ['names somebody', () => changed({ actor: { ...sent().actor, name: 'guilty' } })],
    ['has a subject', () => changed({ subject: { sub: 'guilty' } })],
    ['has a phrase', () => changed({ trace_id: 'guilty' })],
    ['has words where the name of a sink is', () => changed({ data: { ...sent().data, name: 'He did it' } })],
    ['has words where the id of a sink is', () => changed({ data: { ...sent().data, sink: 'He did it' } })],
    ['has words where an address is', () => changed({ actor: { ...sent().actor, address: 'He did it' } })],
    ['was altered', () => lineOf({ ...sent(), time: '2020-01-01T00:00:00.000Z' })],
    ['is of another bridge', () => lineOf(sent(OTHER))],
    ['comes in a CloudEvent of another bridge', () => lineOf(sent(), 'cloudevents', OTHER)],
    ['comes in OCSF of another bridge', () => lineOf(sent(), 'ocsf', OTHER)],
    ['comes in CEF of another host', () => lineOf(sent(), 'cef', OTHER)],
    ['has another type', () => changed({ type: 'person.linked' })],
  ])('%s', async (_name, line) => {
    expect(await verify([...log(), line()])).toMatchObject({ outcome: 'refuted', unreadable: [6] });
  });
});

describe.each(['ocsf', 'ecs', 'cef'] as const)('a forged line in %s', (format) => {
  const forged = () => lineOf(sent(), format).replace(/success/i, 'failure');

  it('is not hidden by the test event that it carries', async () => {
    const found = await verify([...log(), forged()]);
    expect(found).toMatchObject({ outcome: 'unproven', beside: [6], tests: 1 });
  });

  it('is not hidden by a bare test in the place of an event that a filter could have left out', async () => {
    const bare = JSON.stringify({ v: 1, seq: 0, type: 'sink.tested' });
    const event = events[1] ?? sent();
    const line = lineOf(event, format).replaceAll(
      format === 'cef' ? /rawEvent=.*$/g : /"(raw_data|original)":"(?:[^"\\]|\\.)*"/g,
      (_all, key?: string) => (format === 'cef' ? `rawEvent=${bare}` : `"${key}":${JSON.stringify(bare)}`),
    );
    expect(line).toContain('sink.tested');
    const lines = [...log().slice(0, 1), line, ...log().slice(2)];
    expect(await verify(lines, { filtered: true })).toMatchObject({ outcome: 'refuted', unreadable: [2] });
  });
});

describe('a copy in CEF', () => {
  it('is proven, and refuted where it names another host', async () => {
    const lines = (iss: string) => events.map((event) => lineOf(event, 'cef', iss));
    expect(await verify(lines(ISS))).toMatchObject({ outcome: 'proven', unreadable: [] });
    const found = await verify(lines(OTHER), { originals: true });
    expect(found).toMatchObject({ outcome: 'refuted', unreadable: [1, 2, 3, 4, 5] });
  });
});
